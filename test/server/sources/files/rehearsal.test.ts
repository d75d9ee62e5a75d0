import { expect, test } from 'vitest'
import { rehearse } from '../../../../server/sources/files/rehearsal.ts'
import { firstFilePath } from '../../../../server/sources/hdf5/first-file.ts'
import { loadHdf5 } from '../../../../server/sources/hdf5/h5wasm.ts'

test('a thread that waits for its file can read the one to begin with, to the end', async () => {
  let turns = 0
  const turn = async () => {
    turns += 1
  }
  await rehearse(await loadHdf5(), firstFilePath(), turn)
  expect(turns).toBeGreaterThan(5)
})

test('it stops at the next block once there is something better to do, and can begin anew', async () => {
  const library = await loadHdf5()
  let turns = 0
  const stop = new Error('a file came')
  const turn = async () => {
    turns += 1
    if (turns === 3) throw stop
  }
  await expect(rehearse(library, firstFilePath(), turn)).rejects.toBe(stop)
  expect(turns).toBe(3)
  await rehearse(library, firstFilePath(), async () => undefined)
})
