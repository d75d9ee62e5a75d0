import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { cellsCsv } from '../../viewer/cells-csv.ts'
import type { ImageOptions } from '../../viewer/picture.ts'
import { Choice } from '../controls/choice.tsx'
import { usePage } from '../page-context.ts'

const SCALES = [1, 2, 4].map((scale) => ({ value: scale, text: `${scale} × the screen` }))

/** The picture as a file or in the clipboard. */
export function Save(): VNode {
  const { viewer, picture } = usePage()
  const { store } = viewer
  const scale = useSignal(2)
  const hasLegend = useSignal(true)
  const isRaw = useSignal(false)
  const name = store.identity.value?.name ?? 'cells'
  const attempt = (work: Promise<unknown>) => work.catch(viewer.failed('save'))
  const image = (format: ImageOptions['format'] & string) =>
    picture.image({ scale: scale.value, hasLegend: hasLegend.value, format })
  const file = (format: ImageOptions['format'] & string) => () =>
    attempt(image(format).then((blob) => download(blob, `${name}.${format}`)))
  const copy = () => attempt(navigator.clipboard.write([new ClipboardItem({ 'image/png': image('png') })]))
  const saveCells = () => {
    store.begin('save', 'the names of the cells')
    const csv = cellsCsv(viewer, isRaw.value, new AbortController().signal)
    return attempt(csv.then((blob) => download(blob, `${name}.csv`))).then(() => store.end('save'))
  }
  return (
    <details>
      <summary class="heading">Save</summary>
      <div class="row">
        <Choice
          label="Size"
          options={SCALES}
          at={SCALES.findIndex(({ value }) => value === scale.value)}
          onChoose={(value) => (scale.value = value)}
        />
        <label class="check">
          <input type="checkbox" checked={hasLegend.value} onChange={() => (hasLegend.value = !hasLegend.value)} />
          legend
        </label>
      </div>
      <div class="row start">
        <button type="button" onClick={file('png')}>
          PNG
        </button>
        <button type="button" onClick={file('svg')}>
          SVG
        </button>
        {'clipboard' in navigator ? ( // only over https and from this computer
          <button type="button" onClick={copy}>
            Copy
          </button>
        ) : null}
        <button type="button" onClick={saveCells} title="The selected cells, else those that are shown">
          CSV
        </button>
        <label class="check" title="Also names that a spreadsheet would run as a formula, as they are">
          <input type="checkbox" checked={isRaw.value} onChange={() => (isRaw.value = !isRaw.value)} />
          raw text
        </label>
      </div>
    </details>
  )
}

function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The browser reads the file in its own time; the page is not kept waiting for it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
