export type Theme = 'light' | 'dark'

/** Attributes in which notebooks write their look. */
const WRITTEN_IN = ['class', 'data-jp-theme-light', 'data-vscode-theme-kind', 'data-theme', 'theme']

/** The notebook's own look, which its user may have set apart from the system's. */
export function readTheme(page: Window = window): Theme {
  const { body, documentElement } = page.document
  const jupyter = body?.dataset.jpThemeLight
  if (jupyter !== undefined) return jupyter === 'false' ? 'dark' : 'light'
  const words = [body, documentElement].flatMap((node) =>
    node === null ? [] : WRITTEN_IN.map((name) => node.getAttribute(name) ?? ''),
  )
  const written = words.join(' ')
  if (/\b(vscode-dark|vscode-high-contrast(?!-light)|dark)\b/.test(written)) return 'dark'
  if (/\b(vscode-light|vscode-high-contrast-light|light)\b/.test(written)) return 'light'
  return page.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

/** Tell of each change of the look until the signal ends it. */
export function watchTheme(tell: (theme: Theme) => void, signal: AbortSignal, page: Window = window): void {
  let last = readTheme(page)
  const look = () => {
    const theme = readTheme(page)
    if (theme === last) return
    last = theme
    tell(theme)
  }
  const observer = new MutationObserver(look)
  for (const node of [page.document.documentElement, page.document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: WRITTEN_IN })
  }
  page.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', look, { signal })
  signal.addEventListener('abort', () => observer.disconnect())
}
