import { expect, test } from 'vitest'
import { kernelMessageSchema, widgetMessageSchema } from '../../protocol/comm.ts'
import { commandSchema, STATE_LIKE_COMMANDS } from '../../protocol/commands.ts'
import { isErrorCode } from '../../protocol/errors.ts'
import { eventSchema } from '../../protocol/events.ts'
import { MAX_BODY_BYTES, MAX_FRAME_BYTES } from '../../protocol/frame.ts'
import { kernelCallSchema, serverCallSchema, sourceReadSchema } from '../../protocol/pipe.ts'
import { SELECTION } from '../../protocol/state.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { readJson } from './fixtures.ts'

type Literal = { literal: string }
const golden = readJson<Record<string, string[] | number | string>>('names')

test('both languages know the same kinds of messages', () => {
  const kinds = (schema: { options: readonly { entries: { kind: Literal } }[] }) =>
    schema.options.map(({ entries }) => entries.kind.literal).sort()
  const methods = (schema: { options: readonly { entries: { method: Literal } }[] }) =>
    schema.options.map(({ entries }) => entries.method.literal).sort()
  expect(golden.commands).toEqual(kinds(commandSchema))
  expect(golden.events).toEqual(kinds(eventSchema))
  expect(golden.kernelMessages).toEqual(kinds(kernelMessageSchema))
  expect(golden.widgetMessages).toEqual(kinds(widgetMessageSchema))
  expect(golden.kernelCalls).toEqual(methods(kernelCallSchema))
  expect(golden.serverCalls).toEqual(methods(serverCallSchema))
  expect(golden.sourceReads).toEqual(sourceReadSchema.options.map(({ entries }) => entries.what.literal).sort())
  expect(golden.stateLikeCommands).toEqual([...STATE_LIKE_COMMANDS].sort())
  expect(golden.selection).toBe(SELECTION)
})

test('both languages have the same limits', () => {
  expect(golden.protocolVersion).toBe(PROTOCOL_VERSION)
  expect(golden.maxFrameBytes).toBe(MAX_FRAME_BYTES)
  expect(golden.maxBodyBytes).toBe(MAX_BODY_BYTES)
})

test('Python raises by codes that exist', () => {
  const codes = golden.knownErrorCodes
  expect(Array.isArray(codes) && codes.length > 5 && codes.every(isErrorCode)).toBe(true)
})
