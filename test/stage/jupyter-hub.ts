import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { TIED_TO_US } from '../../scripts/command.mjs'
import { switchedOff } from '../../scripts/jupyter-lab.mjs'

/** How one user's notebook server is started. */
export type HubUser = { name: string; serverProxy: boolean; serverExtension?: boolean }

export type Hub = {
  /** Root URL of the Hub's proxy, with a trailing slash. */
  url: string
  /** Where that listens on 127.0.0.1. */
  port: number
  /** Folder that holds the user's notebooks, the root of their JupyterLab. */
  home(user: string): string
  /** All that the Hub, its proxy and the users' servers said. */
  logFile: string
  /**
   * Log in, spawn the user's server and wait until its JupyterLab answers.
   * @param url another root URL, of a proxy in front
   */
  logIn(page: Page, user: string, url?: string): Promise<void>
  stop(): Promise<void>
}

const ROOT = resolve(import.meta.dirname, '../..')
const SPAWN_TIMEOUT_MS = 60_000

/**
 * A real JupyterHub: configurable-http-proxy, dummy authenticator, one local process per user.
 * @param logFolder gets `hub.log`
 * @param hostName what the browser sees it under; it listens on 127.0.0.1
 */
export async function startHub(users: readonly HubUser[], logFolder: string, hostName = '127.0.0.1'): Promise<Hub> {
  const folder = mkdtempSync(join(tmpdir(), 'hub-'))
  const [port, apiPort, hubPort] = await Promise.all([freePort(), freePort(), freePort()])
  const config = join(folder, 'jupyterhub_config.py')
  writeFileSync(config, hubConfig(folder, { port, apiPort, hubPort }, users))
  for (const user of users) mkdirSync(join(folder, user.name), { recursive: true })
  mkdirSync(logFolder, { recursive: true })
  const logFile = join(logFolder, 'hub.log')
  const [program = '', ...programArguments] = [...TIED_TO_US, join(ROOT, '.venv/bin/jupyterhub'), '-f', config]
  const child = spawn(program, programArguments, {
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${join(ROOT, 'node_modules/.bin')}:${join(ROOT, '.venv/bin')}:${process.env.PATH}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  const url = `http://${hostName}:${port}/`
  try {
    await answering(`http://127.0.0.1:${port}/hub/health`, child)
  } catch (error) {
    await stop(child, folder)
    throw error
  }
  return {
    url,
    port,
    home: (user) => join(folder, user),
    logFile,
    logIn: (page, user, front = url) => logIn(page, front, user),
    stop: () => stop(child, folder),
  }
}

function hubConfig(
  folder: string,
  ports: { port: number; apiPort: number; hubPort: number },
  users: readonly HubUser[],
): string {
  const labArguments = [
    '--LabApp.news_url=None',
    '--LabApp.expose_app_in_browser=True',
    '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
  ]
  const ofUser = users.map(({ name, serverProxy, serverExtension = false }) => [
    name,
    [...labArguments, ...switchedOff({ serverProxy, serverExtension })],
  ])
  return `
c = get_config()  # noqa
c.JupyterHub.bind_url = 'http://127.0.0.1:${ports.port}/'
c.JupyterHub.hub_port = ${ports.hubPort}
c.JupyterHub.db_url = 'sqlite:///${folder}/hub.sqlite'
c.JupyterHub.cookie_secret_file = '${folder}/cookie_secret'
c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:${ports.apiPort}'
c.ConfigurableHTTPProxy.pid_file = '${folder}/proxy.pid'
c.JupyterHub.authenticator_class = 'dummy'
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = 'simple'
c.SimpleLocalProcessSpawner.home_dir_template = '${folder}/{username}'
c.Spawner.cmd = ['${ROOT}/.venv/bin/jupyterhub-singleuser']
c.Spawner.default_url = '/lab'
c.Spawner.http_timeout = 60
c.Spawner.start_timeout = 60

def own_arguments(spawner):
    spawner.args = ${JSON.stringify(Object.fromEntries(ofUser))}[spawner.user.name]

c.Spawner.pre_spawn_hook = own_arguments
`
}

async function logIn(page: Page, url: string, user: string): Promise<void> {
  // Straight to the spawn page: without it a 424 page waits for a click.
  await page.goto(`${url}hub/login?next=${encodeURIComponent(`/hub/spawn/${user}`)}`)
  await page.fill('#username_input', user)
  await page.fill('#password_input', 'any')
  await page.click('#login_submit')
  await page.waitForURL(`**/user/${user}/lab**`, { timeout: SPAWN_TIMEOUT_MS })
}

/** Wait until the URL answers 2xx, or until the process ends. */
async function answering(url: string, child: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(SPAWN_TIMEOUT_MS)
  while (child.exitCode === null && !deadline.aborted) {
    const response = await fetch(url, { signal: deadline }).catch(() => null)
    if (response?.ok === true) return
    await new Promise((next) => setTimeout(next, 100))
  }
  throw new Error(`JupyterHub did not answer at ${url} (exit code ${child.exitCode})`)
}

/** End the Hub; it stops its proxy and the users' servers, which share its process group. */
async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null) {
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGTERM')
    await Promise.race([ended, new Promise((late) => setTimeout(late, 15_000))])
    if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  rmSync(folder, { recursive: true, force: true })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  await new Promise((closed) => server.close(closed))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
