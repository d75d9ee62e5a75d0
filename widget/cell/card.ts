import type { CandidateKind, CandidateReport, Hints, Verdict } from '../../protocol/comm.ts'
import { type Action, button, element } from './cell-box.ts'

/** What stands between the user and the picture. */
export type Obstacle = {
  reports: readonly CandidateReport[]
  port: number
  hints: Hints
  /** The base that was forced by the user, and failed; `null` where none was. */
  override: string | null
  /** The kernel's comm still works. */
  isLive: boolean
  /** The browser would let the page reach this computer if its user allowed it. */
  canClick: boolean
  /** A sentence that overrides what the reports would say: another protocol, a stopped viewer. */
  because?: string
}

const NAMES: Record<CandidateKind, string> = {
  override: 'The address you set',
  'server-extension': 'cellucid-notebook in the notebook server',
  'same-origin-proxy': "The notebook server's proxy",
  direct: 'This computer',
  'cross-origin-proxy': "The host's own address for the port",
  tunnel: 'Through the notebook',
}

const WORDS: Record<Verdict, string> = {
  proven: 'works',
  skipped: 'not asked',
  timeout: 'no answer in time',
  network: 'no connection: nothing listens there, or the browser forbids it',
  redirect: 'asks for a login',
  status: 'answered with an error',
  notJson: 'another program answered',
  wrongProtocol: 'a viewer of another version answered: restart the kernel and reload this page',
  badProof: 'something else answered, such as another viewer on the same port',
  frameSilent: 'the server is there, but its page was blocked or stayed silent',
}

/** One line of the list: where, and what came of it. */
export function describe({ kind, base, verdict, reason }: CandidateReport): string {
  const where = base === null ? NAMES[kind] : `${NAMES[kind]} (${base})`
  return `${where}: ${WORDS[verdict]}${reason === undefined ? '' : ` – ${reason}`}`
}

/** The one line that names the trouble. */
export function headline(obstacle: Obstacle): string {
  const { reports, override, isLive, because } = obstacle
  if (because !== undefined) return because
  if (override !== null) return 'The address that was set for the viewer does not lead to it'
  if (!isLive) {
    return lacksProxy(reports)
      ? 'Proxy required: this page reaches neither the viewer nor the kernel'
      : 'The kernel is gone, and its viewer with it'
  }
  if (refusal(reports) !== undefined) return 'The kernel answers, but it cannot show the viewer'
  return reports.some(({ verdict }) => verdict === 'frameSilent')
    ? 'The viewer was found, but its page was blocked'
    : 'The viewer cannot be reached from this page'
}

/** The one thing to do next on this host. */
export function nextStep(obstacle: Obstacle): string {
  const { reports, port, hints, override, isLive } = obstacle
  if (reports.some(({ verdict }) => verdict === 'redirect')) {
    return 'Your login to the notebook server has ended: log in again in another tab, then try again.'
  }
  if (reports.some(({ verdict, reason }) => verdict === 'status' && reason === '421')) {
    return 'A reverse proxy changes the Host header: add "proxy_set_header Host $http_host;" to its settings.'
  }
  if (override !== null) {
    return `Let it lead to port ${port} of the kernel's machine, or unset CELLUCID_CLIENT_SERVER_URL (client_server_url=) and run the cell again.`
  }
  if (!isLive && !lacksProxy(reports)) return 'Run the cell again.'
  if (isLive && refusal(reports) !== undefined) {
    return 'Run the cell again. If this stays, copy the report and show it to whoever keeps this notebook server.'
  }
  if (isLive && (hints.ssh || hints.slurm) && mayReachThisComputer(obstacle)) {
    const host = hints.hostName ?? 'the-machine-of-the-kernel'
    return `Forward the port in a terminal on your computer: ssh -L ${port}:127.0.0.1:${port} ${host} – then try again.`
  }
  return lacksProxy(reports) ? INSTALL_PROXY : SET_ADDRESS
}

const SET_ADDRESS =
  'Set CELLUCID_CLIENT_SERVER_URL in the kernel to an address under which this browser reaches the viewer, then run the cell again.'

const INSTALL_PROXY =
  'Install cellucid-notebook or jupyter-server-proxy in the environment of the notebook server (not of the kernel), restart that server, then run the cell again. On a managed Hub ask its administrator.'

/** The notebook server itself answered that it knows no such path. */
function lacksProxy(reports: readonly CandidateReport[]): boolean {
  return reports.some(({ kind, verdict, reason }) => {
    return kind === 'same-origin-proxy' && verdict === 'status' && reason === '404'
  })
}

/** What the kernel said to the request for the page itself. */
function refusal(reports: readonly CandidateReport[]): CandidateReport | undefined {
  return reports.find(({ kind, verdict }) => kind === 'tunnel' && verdict === 'status')
}

function mayReachThisComputer({ reports, canClick }: Obstacle): boolean {
  return canClick || reports.some(({ kind, verdict }) => kind === 'direct' && verdict !== 'skipped')
}

/** What "Copy report" copies. Holds addresses and verdicts, never a secret. */
export function reportText(obstacle: Obstacle): string {
  const lines = [headline(obstacle), ...obstacle.reports.map((report) => `- ${describe(report)}`), nextStep(obstacle)]
  return `${lines.join('\n')}\npage: ${window.origin}\nbrowser: ${navigator.userAgent}\n`
}

/** The card's content. */
export function card(obstacle: Obstacle, actions: readonly Action[]): Node[] {
  const heading = element('h3', '', headline(obstacle))
  const tried = element('ul', '', ...obstacle.reports.map((report) => element('li', '', describe(report))))
  const step = element('p', 'step', nextStep(obstacle))
  const copy = button({ label: 'Copy report', run: () => void copyText(reportText(obstacle), copy) })
  const row = element('div', 'actions', ...actions.map(button), copy)
  return obstacle.reports.length === 0 ? [heading, step, row] : [heading, tried, step, row]
}

/** The clipboard is missing on plain-http pages; there the text is put on the card, selected. */
async function copyText(text: string, near: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    near.textContent = 'Copied'
  } catch {
    const area = element('textarea', '', text)
    area.readOnly = true
    area.setAttribute('aria-label', 'Report, ready to be copied')
    near.replaceWith(area)
    area.select()
  }
}
