import { expect } from 'vitest'
import { FIRST_PICTURE_MS } from '../e2e/scenario.ts'
import { NBCLASSIC, NOTEBOOK_7, VOILA } from '../stage/front-ends.ts'
import type { LabOptions } from '../stage/lab-stage.ts'
import { runCell, viewerReady } from '../stage/notebook.ts'
import { makeOtherEnvironment, type OtherEnvironment } from '../stage/other-environment.ts'
import { type Environment, lab, openLab, playing } from './environment.ts'

/** At a name, where without it only the notebook would be left. */
const ALONE = { hostName: 'lab.example.test', serverProxy: false, serverExtension: true } as const
const ALONE_IN_7 = {
  ...ALONE,
  frontEnd: NOTEBOOK_7,
  labArguments: ['--JupyterNotebookApp.expose_app_in_browser=True'],
}

/** Notebook servers that have this package in their own environment, or should have. */
export const EXTENSION_ENVIRONMENTS: readonly Environment[] = [
  lab('lab-extension', 'JupyterLab, with cellucid-notebook and jupyter-server-proxy', 'server-extension', {
    options: { serverExtension: true },
  }),
  lab('lab-extension-alone', 'JupyterLab, with cellucid-notebook alone', 'server-extension', { options: ALONE }),
  lab('lab-extension-base-url', 'JupyterLab below a path, with cellucid-notebook alone', 'server-extension', {
    options: { ...ALONE, baseUrl: '/some/base/' },
  }),
  lab('lab-extension-https', 'JupyterLab behind an HTTPS proxy, with cellucid-notebook alone', 'server-extension', {
    options: { ...ALONE, https: true },
  }),
  lab('notebook-7-extension', 'Notebook 7, with cellucid-notebook alone', 'server-extension', { options: ALONE_IN_7 }),
  lab('nbclassic-extension', 'nbclassic, with cellucid-notebook alone', 'server-extension', {
    options: { ...ALONE, frontEnd: NBCLASSIC },
  }),
  lab('voila-extension', 'Voila, with cellucid-notebook alone', 'server-extension', {
    options: { ...ALONE, frontEnd: VOILA },
  }),
  elsewhere('lab-kernel-only', 'JupyterLab, with cellucid-notebook in the kernel’s environment only'),
  elsewhere('lab-installed-late', 'JupyterLab, with cellucid-notebook installed while it runs', (other) =>
    other.install(),
  ),
]

/** The package is not loaded by the notebook server: all is as without it. */
function elsewhere(name: string, title: string, act?: (other: OtherEnvironment) => Promise<void>): Environment {
  const play = playing('direct', async () => {
    const other = await makeOtherEnvironment()
    try {
      const options: LabOptions = { otherEnvironment: other, serverProxy: false, serverExtension: true }
      const opened = await openLab(name, {
        options,
        async after(_stage, page) {
          await act?.(other)
          await runCell(page, 0)
          expect(await viewerReady(page, FIRST_PICTURE_MS)).toEqual({ cells: 700, transport: 'direct' })
        },
      })
      const stop = async () => {
        await opened.stop()
        other.remove()
      }
      return { ...opened, stop }
    } catch (error) {
      other.remove()
      throw error
    }
  })
  return { name, title, isReal: true, expectedTransport: 'direct', play }
}
