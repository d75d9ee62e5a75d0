import type { Command } from '../../protocol/commands.ts'

/** A command in the words of cellucid's page; `null` where it knows none for it. */
export type HostedMessage = { type: string; [key: string]: unknown }

/** @param cells what the command speaks of, `null` where it has none */
export function hostedMessage(command: Command, cells: Uint32Array | null): HostedMessage | null {
  const list = cells === null ? null : Array.from(cells)
  switch (command.kind) {
    case 'highlight':
      return { type: 'highlight', cells: list, color: command.color }
    case 'setColorBy': {
      const field = command.color?.key ?? command.field
      return field === null ? null : { type: 'setColorBy', field }
    }
    case 'setVisibility':
      return { type: 'setVisibility', cells: list, visible: command.visible }
    case 'clearHighlights':
    case 'resetCamera':
    case 'freeze':
      return { type: command.kind }
    case 'requestSessionBundle':
    case 'ping':
      return { type: command.kind, requestId: command.requestId }
    case 'debugSnapshot':
      return { type: 'debug_snapshot', requestId: command.requestId }
    case 'custom':
      return { ...fieldsOf(command.payload), type: command.type }
    case 'setEmbedding':
    case 'select':
    case 'refresh':
    case 'screenshot':
    case 'loadSession':
      return null
  }
}

function fieldsOf(payload: unknown): Record<string, unknown> {
  return typeof payload === 'object' && payload !== null ? { ...payload } : {}
}
