import { describe, expect, test, vi } from 'vitest'
import type { CandidateReport } from '../../../protocol/comm.ts'
import {
  card,
  describe as describeReport,
  headline,
  nextStep,
  type Obstacle,
  reportText,
} from '../../../widget/cell/card.ts'

const proxy = (verdict: CandidateReport['verdict'], reason?: string): CandidateReport => ({
  kind: 'same-origin-proxy',
  base: 'https://hub.example.org/user/a/proxy/8765/',
  verdict,
  ...(reason === undefined ? {} : { reason }),
})
const tunnelFailed: CandidateReport = {
  kind: 'tunnel',
  base: null,
  verdict: 'skipped',
  reason: 'the kernel is not connected',
}

const direct = (verdict: CandidateReport['verdict']): CandidateReport => ({
  kind: 'direct',
  base: 'http://127.0.0.1:8765/',
  verdict,
})

const obstacle = (overrides: Partial<Obstacle> = {}): Obstacle => ({
  reports: [proxy('status', '404')],
  port: 8765,
  hints: {},
  override: null,
  isLive: true,
  canClick: false,
  ...overrides,
})

describe('the next step is the one for this host', () => {
  const cases: [string, Partial<Obstacle>, RegExp][] = [
    [
      'no proxy on the notebook server',
      {},
      /Install cellucid-notebook or jupyter-server-proxy in the environment of the notebook server/,
    ],
    ['a login that ended', { reports: [proxy('redirect')] }, /log in again/],
    ['a reverse proxy that changes Host', { reports: [proxy('status', '421')] }, /proxy_set_header Host \$http_host/],
    [
      'a kernel behind ssh',
      { reports: [direct('badProof')], hints: { ssh: true, hostName: 'c12' } },
      /ssh -L 8765:127\.0\.0\.1:8765 c12/,
    ],
    ['a cluster node', { hints: { slurm: true }, canClick: true }, /ssh -L 8765:127\.0\.0\.1:8765/],
    [
      'a kernel behind ssh on a page that may not reach this computer',
      { reports: [proxy('status', '404'), direct('skipped')], hints: { ssh: true } },
      /Install cellucid-notebook or jupyter-server-proxy/,
    ],
    ['a kernel that refuses', { reports: [{ ...tunnelFailed, verdict: 'status' }] }, /show it to whoever keeps/],
    ['neither proxy nor kernel', { isLive: false }, /Install cellucid-notebook or jupyter-server-proxy/],
    ['a forced address', { override: 'https://x.example/' }, /CELLUCID_CLIENT_SERVER_URL/],
    ['a kernel that is gone', { isLive: false, reports: [proxy('status', '500')] }, /^Run the cell again/],
    ['nothing that a proxy could do', { reports: [] }, /Set CELLUCID_CLIENT_SERVER_URL/],
  ]
  test.each(cases)('%s', (_name, overrides, expected) => {
    expect(nextStep(obstacle(overrides))).toMatch(expected)
  })
})

describe('the heading', () => {
  test('is "proxy required" where neither base nor kernel is reached', () => {
    expect(headline(obstacle({ isLive: false, reports: [proxy('status', '404'), tunnelFailed] }))).toMatch(
      /^Proxy required/,
    )
  })

  test('is another where only the kernel is gone', () => {
    expect(headline(obstacle({ isLive: false, reports: [proxy('status', '500')] }))).toMatch(/^The kernel is gone/)
  })

  test('speaks of the forced address where there is one', () => {
    expect(headline(obstacle({ override: 'https://x.example/', isLive: false }))).toContain('address that was set')
  })

  test('speaks of a blocked page where a server was proven', () => {
    expect(headline(obstacle({ reports: [proxy('frameSilent')] }))).toContain('blocked')
  })
})

test('each candidate is listed in words, with address and reason', () => {
  expect(describeReport(proxy('status', '404'))).toBe(
    "The notebook server's proxy (https://hub.example.org/user/a/proxy/8765/): answered with an error – 404",
  )
  expect(describeReport(tunnelFailed)).toBe('Through the notebook: not asked – the kernel is not connected')
})

test('the report has heading, candidates, next step and browser, and no more', () => {
  const text = reportText(obstacle())
  expect(text.split('\n')).toEqual([
    'The viewer cannot be reached from this page',
    expect.stringContaining('answered with an error'),
    expect.stringContaining('Install cellucid-notebook'),
    `page: ${window.origin}`,
    expect.stringContaining('browser: '),
    '',
  ])
})

describe('on the page', () => {
  function shown(overrides: Partial<Obstacle> = {}) {
    const run = vi.fn()
    const root = document.createElement('section')
    root.append(...card(obstacle(overrides), [{ label: 'Try again', run }]))
    document.body.append(root)
    const button = (label: string) =>
      [...root.querySelectorAll('button')].find(({ textContent }) => textContent === label) as HTMLButtonElement
    return { root, run, button }
  }

  test('text of a server or address is text, never markup', () => {
    const { root } = shown({ reports: [proxy('status', '<img src=x onerror=alert(1)>')] })
    expect(root.querySelector('img')).toBeNull()
    expect(root.textContent).toContain('<img src=x')
  })

  test('buttons are buttons, so that the keyboard reaches them, and do what they say', () => {
    const { run, button } = shown()
    expect(button('Try again').type).toBe('button')
    button('Try again').click()
    expect(run).toHaveBeenCalledOnce()
  })

  test('the report is copied, and the button says so', async () => {
    const writeText = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue()
    const { button, root } = shown()
    button('Copy report').click()
    await expect.poll(() => root.textContent).toContain('Copied')
    expect(writeText).toHaveBeenCalledWith(reportText(obstacle()))
  })

  test('where the clipboard is missing the report is put on the card, selected', async () => {
    vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new TypeError('not a secure context'))
    const { button, root } = shown()
    button('Copy report').click()
    await expect.poll(() => root.querySelector('textarea')?.value).toBe(reportText(obstacle()))
    expect(root.querySelector('textarea')?.getAttribute('aria-label')).toBeTruthy()
  })
})
