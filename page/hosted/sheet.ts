import type { HostedState } from '../../protocol/hosted.ts'

/** What a sheet of ours offers to do. */
export type SheetAction = { label: string; run: () => void }

/** While the hosted viewer is fetched: how far it is. */
export function progressSheet({ source, progress }: HostedState): HTMLElement {
  const { done = 0, total = 0, bytes = 0 } = progress ?? {}
  const bar = document.createElement('progress')
  // How many files there are is known only once they are read; a bar that runs back says less than none.
  if (total > 1) {
    bar.max = total
    bar.value = done
  }
  bar.setAttribute('aria-label', 'Files fetched')
  const count = total > 1 ? `${done} of ${total} files, ${megabytes(bytes)}` : 'asking for its first page'
  return sheet('Fetching the viewer', [
    paragraph(`Its page comes from ${source} and is kept on the kernel's machine, so that this happens once.`),
    bar,
    paragraph(count, 'quiet'),
  ])
}

/** Neither a network nor a whole build on disk: what is wrong, and every way out of it. */
export function unavailableSheet(state: HostedState, actions: readonly SheetAction[]): HTMLElement {
  const { lastError, source, place, isOffline } = state
  const ways = document.createElement('ul')
  ways.append(
    item('Use the embedded viewer, which came with the package and needs no network.'),
    item(
      isOffline
        ? 'Go online once: unset CELLUCID_OFFLINE, restart the kernel, and run the cell again.'
        : `Go online once: when the kernel's machine reaches ${source}, try again.`,
    ),
    item(`Copy the cache of a machine that has it: its folder, as a whole, to ${place}.`),
  )
  return sheet('Viewer UI unavailable', [
    paragraph(`The hosted viewer's page cannot be shown. ${lastError ?? 'It was never fetched.'}`),
    ways,
    paragraph(`Cache: ${place} (no whole build of ${source}).`, 'quiet'),
    paragraph('Data, commands and everything else of this viewer work all the same.', 'quiet'),
    ...actions.map(button),
  ])
}

/** Something went wrong that fetching has nothing to do with. */
export function failureSheet(sentence: string): HTMLElement {
  return sheet('The viewer cannot be shown', [paragraph(sentence)])
}

function sheet(heading: string, content: readonly HTMLElement[]): HTMLElement {
  const main = document.createElement('main')
  main.className = 'sheet'
  const title = document.createElement('h1')
  title.textContent = heading
  main.append(title, ...content)
  return main
}

function paragraph(text: string, className = ''): HTMLElement {
  const node = document.createElement('p')
  node.className = className
  node.textContent = text
  return node
}

function item(text: string): HTMLElement {
  const node = document.createElement('li')
  node.textContent = text
  return node
}

function button({ label, run }: SheetAction): HTMLElement {
  const node = document.createElement('button')
  node.type = 'button'
  node.textContent = label
  node.addEventListener('click', run)
  return node
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
