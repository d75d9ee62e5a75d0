import type { HostedState } from '../../protocol/hosted.ts'

/** What a sheet of ours offers to do. */
export type SheetAction = { label: string; run: () => void }

/** Where the files are kept, in the words of whoever looks: a notebook's machine is often not their own. */
export type Whereabouts = { isServed: boolean }

/** While the hosted viewer is fetched: how far it is. It stays, so that its button can be pressed, and is told more. */
export type ProgressSheet = { element: HTMLElement; tell(state: HostedState): void }

export function progressSheet(source: string, where: Whereabouts, actions: readonly SheetAction[]): ProgressSheet {
  const bar = document.createElement('progress')
  bar.setAttribute('aria-label', 'Files fetched')
  const count = paragraph('', 'quiet')
  const element = sheet('Fetching the viewer', [
    paragraph(`The hosted viewer comes from ${source}. It is kept on ${machine(where)}, so this happens only once.`),
    bar,
    count,
    ...actions.map(button),
  ])
  return {
    element,
    tell({ progress }) {
      const { done = 0, total = 0, bytes = 0 } = progress ?? {}
      // How many files there are is known only once they are read; a bar that runs back says less than none.
      if (total > 1) {
        bar.max = total
        bar.value = done
      }
      count.textContent = total > 1 ? `${done} of ${total} files, ${megabytes(bytes)}` : 'Asking for its first page'
    },
  }
}

/** Neither a network nor a whole build on disk: what is wrong, and every way out of it. */
export function unavailableSheet(state: HostedState, where: Whereabouts, actions: readonly SheetAction[]): HTMLElement {
  const { lastError, source, place, isOffline } = state
  const again = where.isServed
    ? 'end the command with Ctrl+C and run it again'
    : 'restart the kernel and run the cell again'
  const ways = document.createElement('ul')
  ways.append(
    item(
      isOffline
        ? `Go online once: unset CELLUCID_OFFLINE, ${again}.`
        : `Go online once: as soon as ${machine(where)} reaches ${source}, press “Try again”. From then on it needs no network.`,
    ),
    item(
      `Or copy it from a machine that has it: put that machine's whole cache folder at ${place}, and press “Try again”.`,
    ),
  )
  return sheet('Viewer UI unavailable', [
    paragraph(`The page of the hosted viewer is not on ${machine(where)}, and could not be fetched.`),
    paragraph(lastError ?? `${source} was never asked for it.`, 'reason'),
    paragraph('Your data is there. The embedded viewer, which needs no network, shows it at once.'),
    ...actions.map(button),
    heading('h2', 'To have the hosted viewer'),
    ways,
    paragraph(`Its cache folder, ${place}, holds no complete copy of ${source}.`, 'quiet'),
  ])
}

/** Something went wrong that fetching has nothing to do with. */
export function failureSheet(sentence: string, actions: readonly SheetAction[] = []): HTMLElement {
  return sheet('The viewer cannot be shown', [paragraph(sentence), ...actions.map(button)])
}

function machine({ isServed }: Whereabouts): string {
  return `the machine where ${isServed ? 'cellucid-notebook' : 'your notebook'} runs`
}

function sheet(title: string, content: readonly HTMLElement[]): HTMLElement {
  const main = document.createElement('main')
  main.className = 'sheet'
  main.append(heading('h1', title), ...content)
  return main
}

function heading(level: 'h1' | 'h2', text: string): HTMLElement {
  const node = document.createElement(level)
  node.textContent = text
  return node
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
