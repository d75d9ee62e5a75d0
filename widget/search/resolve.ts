import type { CandidateReport, Verdict } from '../../protocol/comm.ts'
import { isLoopback, parseBase } from '../../protocol/urls.ts'
import { pause } from '../pause.ts'
import type { Candidate } from './candidates.ts'
import { type Identity, PROBE_TIMEOUT_MS, type ProbeResult, probe, type Standpoint } from './probe.ts'

/** All probes together, those that come late or are asked again included. */
export const RESOLVE_TIMEOUT_MS = 4_000

/** A port forward that is still on its way is there by then, and two probes fit into the time for all. */
const RETRY_AFTER_MS = 1_000

/** One candidate on its way to a verdict. */
export type Attempt = {
  candidate: Candidate
  /** What is known; `null` while the question is out. */
  report: CandidateReport | null
  /** Settles with the first verdict; never rejects. */
  done: Promise<CandidateReport>
}

export type Question = {
  identity: Identity
  standpoint: Standpoint
  /** Where a late candidate lies: see `askColab`. */
  lateBase: () => Promise<string>
  /** The user pressed the button that allows what the browser would ask about. */
  isClicked: boolean
  signal: AbortSignal
}

/** Ask all candidates that may be asked, at once; the attempts come back in the order of the candidates. */
export function startProbes(candidates: readonly Candidate[], question: Question): Attempt[] {
  return candidates.map((candidate) => {
    const attempt: Attempt = { candidate, report: null, done: judge(candidate, question) }
    attempt.done = attempt.done.then((report) => {
      attempt.report ??= report
      return report
    })
    return attempt
  })
}

/** How a base becomes a page; each gives `null` where it fails. */
export type Openers<Page> = {
  /** A base that was proven. */
  proven: (attempt: Attempt, base: string) => Promise<Page | null>
  /** A base that our own question may not have reached, since a login cookie keeps it out: the page asks. */
  unheard: (attempt: Attempt, base: string) => Promise<Page | null>
}

/** Take the best proven candidate as soon as all ranked above it have failed, and the next where its page stays silent. */
export async function takeBest<Page>(attempts: readonly Attempt[], openers: Openers<Page>): Promise<Page | null> {
  for (const attempt of attempts) {
    const report = await attempt.done
    if (report.base === null) continue
    if (report.verdict === 'proven') {
      const page = await openers.proven(attempt, report.base)
      if (page !== null) return page
      attempt.report = { ...report, verdict: 'frameSilent' }
    } else if (mayBeWalled(report, report.base)) {
      const page = await openers.unheard(attempt, report.base)
      if (page === null) continue
      attempt.report = { ...report, verdict: 'proven', reason: 'the page asked, past a login' }
      return page
    }
  }
  return null
}

/** A proxy of another origin with a login of its own answers no cross-origin question of ours. */
function mayBeWalled({ kind, verdict }: CandidateReport, base: string): boolean {
  const { origin, hostname } = new URL(base)
  const isElsewhere = (kind === 'cross-origin-proxy' || kind === 'override') && origin !== window.origin
  return isElsewhere && !isLoopback(hostname) && verdict === 'network'
}

async function judge(candidate: Candidate, question: Question): Promise<CandidateReport> {
  const { kind } = candidate
  switch (candidate.how) {
    case 'click':
      // Clicked: the browser asks its user, who may take any time.
      if (question.isClicked)
        return { kind, base: candidate.base, ...(await probeOnce(candidate.base, question, null)) }
      return { kind, base: candidate.base, verdict: 'skipped', reason: candidate.why }
    case 'skip':
      return { kind, base: candidate.base, verdict: 'skipped', reason: candidate.why }
    case 'late':
      return await judgeLate(candidate.kind, question)
    case 'ask': {
      const { base } = candidate
      const first = await probeOnce(base, question, PROBE_TIMEOUT_MS)
      const isFinal = first.verdict === 'proven' || !candidate.retries
      return { kind, base, ...(isFinal ? first : await retry(base, question, first)) }
    }
  }
}

async function retry(base: string, question: Question, first: ProbeResult): Promise<ProbeResult> {
  const isAborted = await pause(RETRY_AFTER_MS, question.signal)
  if (isAborted) return first
  const second = await probeOnce(base, question, PROBE_TIMEOUT_MS)
  return { ...second, ms: first.ms + RETRY_AFTER_MS + second.ms }
}

async function judgeLate(kind: 'cross-origin-proxy', question: Question): Promise<CandidateReport> {
  const start = performance.now()
  const elapsed = () => Math.round(performance.now() - start)
  const ended = (verdict: Verdict, reason: string) => ({ kind, base: null, verdict, reason, ms: elapsed() })
  const outcome = await Promise.race([
    question.lateBase().then(
      (text) => parseBase(text) ?? ended('network', 'the notebook gave no address for this port'),
      (error: unknown) => ended('network', error instanceof Error ? error.message : 'the notebook gave no address'),
    ),
    pause(RESOLVE_TIMEOUT_MS, question.signal).then(() => ended('timeout', 'the notebook gave no address in time')),
  ])
  if (typeof outcome !== 'string') return outcome
  const left = Math.max(RESOLVE_TIMEOUT_MS - elapsed(), 1)
  const result = await probeOnce(outcome, question, Math.min(PROBE_TIMEOUT_MS, left))
  return { kind, base: outcome, ...result, ms: elapsed() }
}

function probeOnce(
  base: string,
  { identity, standpoint, signal }: Question,
  timeoutMs: number | null,
): Promise<ProbeResult> {
  return probe(base, identity, { standpoint, signal, timeoutMs })
}
