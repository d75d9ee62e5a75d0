import type { CandidateKind } from '../../protocol/comm.ts'
import { type FrontEnd, JUPYTER_LAB, NBCLASSIC, NOTEBOOK_7 } from '../stage/front-ends.ts'
import { type LabOptions, startLabStage } from '../stage/lab-stage.ts'
import type { OpenNotebook } from '../stage/notebook.ts'
import { startVscodeStage } from '../stage/vscode-stage.ts'

/** A notebook in one environment, opened and ready to play the scenario. */
export type OpenEnvironment = {
  notebook: OpenNotebook
  /** Into the folder of the run. */
  photograph(name: string): Promise<void>
  stop(): Promise<void>
}

/** One row of the table of environments. */
export type Environment = {
  name: string
  title: string
  /** false: a stand-in that copies documented behaviour, and cannot prove the real thing */
  isReal: boolean
  expectedTransport: CandidateKind
  /** @param cells those of the scenario */
  open(cells: readonly string[]): Promise<OpenEnvironment>
}

const PUBLIC = { hostName: 'lab.example.test', https: true, serverProxy: false } as const

/** Where the scenario is played; `docs/environments.md` has a section for each. */
export const ENVIRONMENTS: readonly Environment[] = [
  lab('lab-proxy', 'JupyterLab, with jupyter-server-proxy', 'same-origin-proxy', {}),
  lab('lab-base-url', 'JupyterLab below a path', 'same-origin-proxy', { baseUrl: '/some/base/' }),
  lab('lab-direct', 'JupyterLab, without jupyter-server-proxy', 'direct', { serverProxy: false }),
  lab('lab-name', 'JupyterLab at a host name, plain HTTP', 'same-origin-proxy', { hostName: 'lab.example.test' }),
  lab('lab-name-tunnel', 'JupyterLab at a host name, without jupyter-server-proxy', 'tunnel', {
    hostName: 'lab.example.test',
    serverProxy: false,
  }),
  lab('lab-https', 'JupyterLab behind an HTTPS proxy', 'same-origin-proxy', {
    hostName: 'lab.example.test',
    https: true,
  }),
  lab('public-unanswered', 'JupyterLab on a public HTTPS page, permission not answered', 'tunnel', {
    ...PUBLIC,
    publicPage: 'unanswered',
  }),
  lab('public-denied', 'JupyterLab on a public HTTPS page, permission denied', 'tunnel', {
    ...PUBLIC,
    publicPage: 'denied',
  }),
  lab('public-granted', 'JupyterLab on a public HTTPS page, permission granted', 'direct', {
    ...PUBLIC,
    publicPage: 'granted',
  }),
  lab('container', 'JupyterLab in a container with one published port', 'tunnel', {
    serverProxy: false,
    ownNetwork: true,
  }),
  lab('notebook-7', 'Notebook 7', 'same-origin-proxy', {
    frontEnd: NOTEBOOK_7,
    labArguments: ['--JupyterNotebookApp.expose_app_in_browser=True'],
  }),
  lab('nbclassic', 'nbclassic', 'same-origin-proxy', { frontEnd: NBCLASSIC }),
  vscode('vscode-local', 'VS Code, kernel on this computer', 'direct', false),
  vscode('vscode-remote', 'VS Code, kernel on another machine', 'tunnel', true),
]

function lab(name: string, title: string, expectedTransport: CandidateKind, options: LabOptions): Environment {
  const frontEnd: FrontEnd = options.frontEnd ?? JUPYTER_LAB
  return {
    name,
    title,
    isReal: true,
    expectedTransport,
    async open(cells) {
      const stage = await startLabStage(name, options)
      try {
        const page = await stage.open(cells)
        return {
          notebook: frontEnd.drive(page),
          photograph: (picture) => stage.photograph(page, picture),
          stop: () => stage.stop(),
        }
      } catch (error) {
        await stage.closePages('not-opened')
        await stage.stop()
        throw error
      }
    },
  }
}

function vscode(name: string, title: string, expectedTransport: CandidateKind, isRemote: boolean): Environment {
  return {
    name,
    title,
    isReal: false,
    expectedTransport,
    async open(cells) {
      const stage = await startVscodeStage(name, { isRemote })
      try {
        const notebook = await stage.open(cells)
        return { notebook, photograph: (picture) => stage.photograph(notebook.page, picture), stop: () => stage.stop() }
      } catch (error) {
        await stage.stop()
        throw error
      }
    },
  }
}
