import { expect, test } from 'vitest'
import { matchEmbedding } from '../../protocol/embedding-name.ts'
import { readJson } from './fixtures.ts'

type Fixture = { named: { keys: string[]; name: string; found: string[] }[] }

test.each(readJson<Fixture>('embeddings').named)('$name among $keys means $found', ({ keys, name, found }) => {
  const match = matchEmbedding(keys, name)
  expect(match.kind === 'one' ? [match.key] : match.kind === 'several' ? match.keys : []).toEqual(found)
})
