import type { Command } from '../../protocol/commands.ts'
import { matchEmbedding } from '../../protocol/embedding-name.ts'
import { assertNever } from '../../protocol/errors.ts'
import type { ViewerEvent } from '../../protocol/events.ts'
import type { Identity } from '../../protocol/identity.ts'
import type { ColorBy } from '../../protocol/state.ts'
import type { CommandOutcome } from '../connection/channel-client.ts'
import type { EmbeddingChoice } from '../connection/server-client.ts'
import { replaceCellSets } from '../state/cell-set-state.ts'
import { choiceOf } from '../state/first-view.ts'
import type { Viewer } from './viewer.ts'

/** What commands need beside the viewer. */
export type CommandContext = {
  viewer: Viewer
  /** Resolves when the dataset is known: no command can be applied before. */
  identity: Promise<Identity>
  event(event: ViewerEvent): void
  /** Make the picture and send it. */
  screenshot(command: Extract<Command, { kind: 'screenshot' }>): Promise<void>
  /** Put a still picture in place of the live one. */
  freeze(): Promise<void>
  /** What this page knows of itself, for `debug_connection()`. */
  report(): unknown
}

/**
 * Apply one command.
 * @param cells what its head spoke of, `null` where it has none
 * @param body what came with it
 * @returns when its effect is on screen; `ok: false` with a sentence where it cannot be
 * @throws ServerFailure when what it asks for cannot be read
 */
export async function applyCommand(
  { viewer, identity, event, screenshot, freeze, report }: CommandContext,
  command: Command,
  cells: Uint32Array | null,
  body: Uint8Array,
): Promise<CommandOutcome> {
  const dataset = await identity
  refuseForeignCells(command, dataset)
  switch (command.kind) {
    case 'highlight':
      viewer.highlight(command.color, cells ?? new Uint32Array(0))
      return OK
    case 'clearHighlights':
      viewer.clearHighlights()
      return OK
    case 'setColorBy':
      await viewer.catchUp()
      await viewer.setColor(command.color ?? colorOfField(command, dataset))
      return OK
    case 'setEmbedding':
      await viewer.catchUp()
      await viewer.setEmbedding(
        embeddingOfName(command.name, command.dimensions, viewer.store.identity.value as Identity),
      )
      return OK
    case 'select':
      viewer.select(cells ?? new Uint32Array(0), 'replace', 'command')
      return OK
    case 'setVisibility':
      viewer.setVisibility(cells, command.visible)
      return OK
    case 'resetCamera':
      viewer.resetCamera()
      return OK
    case 'refresh':
      await viewer.refresh()
      return OK
    case 'ping':
      event({ kind: 'pong', requestId: command.requestId })
      return OK
    case 'debugSnapshot':
      event({ kind: 'debugSnapshot', requestId: command.requestId, report: report() })
      return OK
    case 'custom': // For scripts that embed the page; the page itself has nothing to do.
    case 'requestSessionBundle': // The state is told after every command, before it is acknowledged.
      return OK
    case 'screenshot':
      await screenshot(command)
      return OK
    case 'freeze':
      await freeze()
      return OK
    case 'loadSession':
      replaceCellSets(viewer.store, command.sets, body)
      await viewer.restore(command.state)
      return OK
    default:
      return assertNever(command)
  }
}

const OK: CommandOutcome = { ok: true }

/** Positions in another dataset would highlight other cells than meant. */
function refuseForeignCells(command: Command, { nObs }: Identity): void {
  if (!('cells' in command) || command.cells === null || command.cells.cellCount === nObs) return
  throw new Error(
    `The cells were chosen among ${command.cells.cellCount}, the viewer shows ${nObs}. Show the data again.`,
  )
}

type SetColorBy = Extract<Command, { kind: 'setColorBy' }>

/** An obs field, else a gene: as `sc.pl.umap(color=…)` chooses. */
function colorOfField({ field, matrix }: SetColorBy, { obs, defaultMatrix }: Identity): ColorBy | null {
  if (field === null) return null
  return obs.some(({ key }) => key === field)
    ? { axis: 'obs', key: field }
    : { axis: 'var', key: field, matrix: matrix ?? defaultMatrix }
}

function embeddingOfName(name: string, dimensions: number | undefined, { embeddings }: Identity): EmbeddingChoice {
  const match = matchEmbedding(
    embeddings.map(({ key }) => key),
    name,
  )
  if (match.kind === 'several')
    throw new Error(`"${name}" could be any of ${match.keys.join(', ')}. Write one of these.`)
  const info = embeddings.find(({ key, label }) => (match.kind === 'one' ? key === match.key : label === name))
  if (info === undefined) {
    const names = embeddings.map(({ key }) => key).join(', ')
    throw new Error(`There is no embedding "${name}". The dataset has ${names || 'none'}.`)
  }
  return choiceOf(info, dimensions)
}
