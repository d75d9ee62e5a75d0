import type { CandidateReport, Verdict } from '../protocol/comm.ts'
import { parseBase } from '../protocol/urls.ts'
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

type Question = {
  identity: Identity
  standpoint: Standpoint
  /** Where a late candidate lies: see `askColab`. */
  lateBase: () => Promise<string>
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

/**
 * Take the best proven candidate as soon as all ranked above it have failed, and the next where `open` fails on it.
 * @param open try to show the page; the first that does not give `null` is taken
 */
export async function takeBest<T>(
  attempts: readonly Attempt[],
  open: (attempt: Attempt, base: string) => Promise<T | null>,
): Promise<{ attempt: Attempt; opened: T } | null> {
  for (const attempt of attempts) {
    const report = await attempt.done
    if (report.verdict !== 'proven' || report.base === null) continue
    const opened = await open(attempt, report.base)
    if (opened !== null) return { attempt, opened }
    attempt.report = { ...report, verdict: 'frameSilent', reason: 'the server is there, but its page did not speak' }
  }
  return null
}

async function judge(candidate: Candidate, question: Question): Promise<CandidateReport> {
  const { kind } = candidate
  switch (candidate.how) {
    case 'skip':
    case 'click':
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

function probeOnce(base: string, { identity, standpoint, signal }: Question, timeoutMs: number): Promise<ProbeResult> {
  return probe(base, identity, { standpoint, signal, timeoutMs })
}

/** @returns true when the signal ended the wait */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(true)
    const stop = () => {
      clearTimeout(timer)
      resolve(true)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve(false)
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
