// The visible half of `npm start`: JupyterLab on one notebook, until Ctrl+C.
import { spawn } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import { ROOT } from './command.mjs'
import { interruption } from './interruption.mjs'
import { startLab } from './jupyter-lab.mjs'

const [, , notebook] = process.argv

/** Show the address in the user's browser, where there is a screen. Without one the printed address has to do. */
function openInBrowser(url) {
  const hasScreen = process.platform === 'darwin' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY
  if (!hasScreen) return
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(opener, [url], { stdio: 'ignore', detached: true })
  child.on('error', () => console.log(`No ${opener} here: open the address yourself.`))
  child.unref()
}

const interrupted = interruption()
try {
  const lab = await startLab({ folder: dirname(notebook), logFile: join(ROOT, 'dist/jupyter.log') })
  try {
    const url = `${lab.url}lab/tree/${encodeURIComponent(basename(notebook))}?token=${lab.token}`
    console.log(`JupyterLab: ${url}\nCtrl+C ends it.`)
    openInBrowser(url)
    await Promise.race([interrupted, lab.ended])
  } finally {
    await lab.stop()
  }
} catch (error) {
  console.error(`start: ${error.message}`)
  process.exitCode = 1
}
