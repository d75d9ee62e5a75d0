import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROUTES } from '../../protocol/urls.ts'
import { type LabStage, startLabStage } from '../stage/lab-stage.ts'
import { runCell, runSource, saveNotebook, viewerReady } from '../stage/notebook.ts'
import { SCENARIO_CELLS } from './scenario.ts'

let stage: LabStage
let token: string
let port: number

beforeAll(async () => {
  stage = await startLabStage('secrets', { baseUrl: '/user/alice/' })
  const page = await stage.open(SCENARIO_CELLS, 'secrets.ipynb')
  await runCell(page, 0)
  await viewerReady(page, 60_000)
  // By a file of its own: what a cell prints is saved in the notebook.
  await runSource(page, 'open("viewer-url.txt", "w").write(viewer.viewer_url); None')
  const file = join(stage.lab.folder, 'viewer-url.txt')
  const url = new URL(readFileSync(file, 'utf8'))
  rmSync(file)
  token = url.searchParams.get('viewerToken') ?? ''
  port = Number(await runSource(page, 'print(viewer.port)'))
  await saveNotebook(page)
}, 180_000)
afterAll(async () => stage?.stop(), 60_000)

test('the token is 64 hex characters, so that the searches below look for something', () => {
  expect(token).toMatch(/^[0-9a-f]{64}$/)
})

test('neither the saved notebook nor the log of Jupyter holds the token', () => {
  expect(readFileSync(join(stage.lab.folder, 'secrets.ipynb'), 'utf8')).not.toContain(token)
  expect(readFileSync(join(stage.folder, 'jupyter.log'), 'utf8')).not.toContain(token)
})

test('no command line and no environment of any process holds the token', () => {
  const holders = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => ['cmdline', 'environ'].some((kind) => readProcessFile(pid, kind).includes(token)))
  expect(holders).toEqual([])
})

test('behind jupyter-server-proxy a foreign Host still gets 421, on the page and on data', async () => {
  for (const path of [ROUTES.page, ROUTES.health, ROUTES.identity]) {
    expect(await ask(path, 'evil.example')).toMatchObject({ status: 421 })
  }
})

test('no data route answers without a key, neither straight nor through the proxy', async () => {
  for (const path of [
    ROUTES.identity,
    ROUTES.embedding,
    ROUTES.obsColumn,
    `${ROUTES.varColumn}?in=X&key=CD3D`,
    ROUTES.genes,
  ]) {
    expect(await ask(path, `127.0.0.1:${port}`), path).toEqual({ status: 401, code: 'no_key' })
    const proxied = await fetch(`${stage.lab.url}proxy/${port}/${path}`, {
      headers: { authorization: `token ${stage.lab.token}` },
    })
    expect(proxied.status, path).toBe(401)
  }
})

/** GET as any program on the machine can, with a Host of its choice. */
function ask(path: string, host: string): Promise<{ status: number | undefined; code: unknown }> {
  return new Promise((answered, failed) => {
    const asked = request({ host: '127.0.0.1', port, path: `/${path}`, headers: { host } }, (response) => {
      response.setEncoding('utf8')
      let body = ''
      response.on('data', (part) => {
        body += part
      })
      response.on('end', () => answered({ status: response.statusCode, code: JSON.parse(body).code }))
    })
    asked.on('error', failed)
    asked.end()
  })
}

function readProcessFile(pid: string, kind: string): string {
  try {
    return readFileSync(`/proc/${pid}/${kind}`, 'utf8')
  } catch {
    return '' // it ended meanwhile, or belongs to another user
  }
}
