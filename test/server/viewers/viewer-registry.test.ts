import { expect, test } from 'vitest'
import { ROUTES } from '../../../protocol/urls.ts'
import { appStage } from '../../stage/app-stage.ts'

test('what was read for a dataset is kept as long as a viewer shows it, and no longer', async () => {
  const { app, viewers, columns, open, key } = await appStage()
  const [first, second] = [open(), open()]
  for (const viewer of [first, second]) {
    const { headers } = key(viewer)
    expect((await app.inject({ url: `/${ROUTES.embedding}`, headers })).statusCode).toBe(200)
  }
  const all = columns.bytes
  await viewers.close(first.id, 'It was stopped.')
  expect([columns.bytes > 0, columns.bytes <= all]).toEqual([true, true])
  const { headers } = key(second)
  expect((await app.inject({ url: `/${ROUTES.embedding}`, headers })).statusCode).toBe(200)
  await viewers.close(second.id, 'It was stopped.')
  expect(columns.bytes).toBe(0)
})
