import { NBCLASSIC, NOTEBOOK_7, VOILA } from '../stage/front-ends.ts'
import { APP_ENVIRONMENTS } from './app-environments.ts'
import { type Environment, lab } from './environment.ts'
import { EXTENSION_ENVIRONMENTS } from './extension-environments.ts'
import { FIREFOX_ENVIRONMENTS } from './firefox-environments.ts'
import { GATEWAY_ENVIRONMENTS } from './gateway-environments.ts'
import { HUB_ENVIRONMENTS } from './hub-environments.ts'
import { PORT_ENVIRONMENTS } from './port-environments.ts'
import { PROXY_ENVIRONMENTS } from './proxy-environments.ts'
import { SAVED_ENVIRONMENTS } from './saved-environments.ts'
import { STAND_INS } from './stand-ins.ts'

const HOST = { hostName: 'lab.example.test' } as const
const PUBLIC = { ...HOST, https: true, serverProxy: false } as const

/** Where the scenario is played; `docs/environments.md` tells of each. */
export const ENVIRONMENTS: readonly Environment[] = [
  lab('lab-proxy', 'JupyterLab, with jupyter-server-proxy', 'same-origin-proxy'),
  lab('lab-base-url', 'JupyterLab below a path', 'same-origin-proxy', { options: { baseUrl: '/some/base/' } }),
  lab('lab-direct', 'JupyterLab, without jupyter-server-proxy', 'direct', { options: { serverProxy: false } }),
  lab('lab-name', 'JupyterLab at a host name, plain HTTP', 'same-origin-proxy', { options: HOST }),
  lab('lab-name-tunnel', 'JupyterLab at a host name, without jupyter-server-proxy', 'tunnel', {
    options: { ...HOST, serverProxy: false },
  }),
  lab('lab-https', 'JupyterLab behind an HTTPS proxy', 'same-origin-proxy', { options: { ...HOST, https: true } }),
  lab('public-unanswered', 'JupyterLab on a public HTTPS page, permission not answered', 'tunnel', {
    options: { ...PUBLIC, publicPage: 'unanswered' },
  }),
  lab('public-denied', 'JupyterLab on a public HTTPS page, permission denied', 'tunnel', {
    options: { ...PUBLIC, publicPage: 'denied' },
  }),
  lab('public-granted', 'JupyterLab on a public HTTPS page, permission granted', 'direct', {
    options: { ...PUBLIC, publicPage: 'granted' },
  }),
  lab('notebook-7', 'Notebook 7', 'same-origin-proxy', {
    options: { frontEnd: NOTEBOOK_7, labArguments: ['--JupyterNotebookApp.expose_app_in_browser=True'] },
  }),
  lab('nbclassic', 'nbclassic', 'same-origin-proxy', { options: { frontEnd: NBCLASSIC } }),
  lab('voila', 'Voila', 'same-origin-proxy', { options: { frontEnd: VOILA } }),
  ...APP_ENVIRONMENTS,
  ...FIREFOX_ENVIRONMENTS,
  ...EXTENSION_ENVIRONMENTS,
  ...PORT_ENVIRONMENTS,
  ...GATEWAY_ENVIRONMENTS,
  ...HUB_ENVIRONMENTS,
  ...SAVED_ENVIRONMENTS,
  ...STAND_INS,
  ...PROXY_ENVIRONMENTS,
]
