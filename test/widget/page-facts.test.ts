import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { isLoopback } from '../../protocol/urls.ts'
import { askColab, readPageFacts } from '../../widget/page-facts.ts'
import { visit } from '../stage/widget-host.ts'

beforeEach(() => visit('https://hub.example.org/user/alice/lab/tree/a.ipynb?platform=none'))

function config(text: string): void {
  const script = document.createElement('script')
  script.id = 'jupyter-config-data'
  script.type = 'application/json'
  script.textContent = text
  document.head.append(script)
  onTestFinished(() => script.remove())
}

function permissions(answers: Record<string, PermissionState>): void {
  const query = async ({ name }: { name: string }) => {
    const state = answers[name]
    if (state === undefined) throw new TypeError(`${name} is not a valid permission`)
    return { state } as PermissionStatus
  }
  vi.spyOn(navigator.permissions, 'query').mockImplementation(query as never)
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
}

test('the page as it is', async () => {
  permissions({})
  expect(await readPageFacts()).toMatchObject({
    origin: 'https://hub.example.org',
    scheme: 'https:',
    hostname: 'hub.example.org',
    pathname: '/user/alice/lab/tree/a.ipynb',
    isElectron: false,
    hasColabProxy: false,
    configBaseUrl: null,
    bodyBaseUrl: null,
    ancestors: '',
  })
})

describe('the base URL', () => {
  test('is read from the configuration, and its login is not', async () => {
    config('{"baseUrl": "/user/alice/", "token": "the-notebook-login"}')
    const facts = await readPageFacts()
    expect(facts.configBaseUrl).toBe('/user/alice/')
    expect(JSON.stringify(facts)).not.toContain('the-notebook-login')
  })

  test.each(['', 'no JSON', '[]', '{"baseUrl": 7}', 'null'])('is none in %j', async (text) => {
    config(text)
    expect((await readPageFacts()).configBaseUrl).toBeNull()
  })

  test('is read from the body of an older notebook', async () => {
    document.body.dataset.baseUrl = '/x/'
    onTestFinished(() => {
      delete document.body.dataset.baseUrl
    })
    expect((await readPageFacts()).bodyBaseUrl).toBe('/x/')
  })
})

describe('the permission to reach this computer', () => {
  test.each([
    [{ 'loopback-network': 'granted', 'local-network-access': 'denied' }, 'granted'],
    [{ 'local-network-access': 'denied' }, 'denied'],
    [{}, 'prompt'],
  ] as const)('%j reads %s', async (answers, expected) => {
    permissions(answers)
    expect((await readPageFacts()).loopbackPermission).toBe(expected)
  })
})

test('a desktop webview is known by the platform in its query', async () => {
  visit('https://x.example.org/index.html?id=1&platform=electron&purpose=notebookRenderer')
  expect((await readPageFacts()).isElectron).toBe(true)
})

describe('Colab', () => {
  function colab(kernel: object): void {
    vi.stubGlobal('google', { colab: { kernel } })
    Object.assign(window, { google: { colab: { kernel } } })
    onTestFinished(() => {
      Reflect.deleteProperty(window, 'google')
    })
  }

  test('gives the address of a port', async () => {
    colab({ accessAllowed: true, proxyPort: async (port: number) => `https://colab.example/${port}/` })
    expect((await readPageFacts()).hasColabProxy).toBe(true)
    expect(await askColab(8765)).toBe('https://colab.example/8765/')
  })

  test('is not there where the output may not use the kernel', async () => {
    colab({ accessAllowed: false, proxyPort: async () => '' })
    expect((await readPageFacts()).hasColabProxy).toBe(false)
    await expect(askColab(1)).rejects.toThrow('no Colab kernel')
  })
})

test.each([
  ['localhost', true],
  ['a.localhost', true],
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['[::1]', true],
  ['localhost.example.org', false],
  ['128.0.0.1', false],
  ['127.0.0.1.nip.io', false],
  ['192.168.1.1', false],
])('%s is loopback: %s', (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected)
})
