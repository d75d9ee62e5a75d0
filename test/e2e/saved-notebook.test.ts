import { afterAll, afterEach, beforeAll, test } from 'vitest'
import { reopenNotebook, SAVED_FILES, type SavedNotebook, saveShownNotebook } from '../stage/saved-notebook.ts'

let saved: SavedNotebook

beforeAll(async () => {
  saved = await saveShownNotebook('saved-notebook')
}, 240_000)
afterEach(async ({ task }) => saved?.stage.closePages(task.name))
afterAll(async () => saved?.stage.stop(), 60_000)

test.each([
  { how: 'without widget state', file: SAVED_FILES.plain },
  { how: 'with widget state', file: SAVED_FILES.withState },
])(
  'a notebook saved $how and opened again shows the last picture and asks nobody',
  async ({ file }) => await reopenNotebook(saved, file),
  120_000,
)

test('a page that forbids scripts by blob: shows the last picture and says how to get the live viewer', async () => {
  await reopenNotebook(saved, SAVED_FILES.withState, { forbidsBlobs: true })
}, 120_000)
