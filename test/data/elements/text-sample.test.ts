import { expect, test } from 'vitest'
import { areClearlyCategories, areIdentifiers, sampledRuns, sampleOf } from '../../../data/elements/text-sample.ts'
import { readJson } from '../../protocol/fixtures.ts'

type Fixture = {
  runs: Record<string, [number, number][]>
  samples: {
    sample: [looked: number, different: number, once: number, twice: number, rows: number]
    areIdentifiers: boolean
  }[]
}
const { runs, samples } = readJson<Fixture>('text-samples')

test.each(Object.entries(runs))('of %s rows some are looked at, from the first to the last', (rows, expected) => {
  expect(sampledRuns(Number(rows))).toEqual(expected)
})

test.each(samples)('$sample: $areIdentifiers', ({ sample, areIdentifiers: expected }) => {
  const [looked, different, once, twice, rows] = sample
  expect(areIdentifiers({ looked, different, once, twice }, rows)).toBe(expected)
})

test('a sample counts texts that stand once and twice', () => {
  expect(sampleOf(['a', 'b', 'a', 'c', 'd', 'd', 'd'], 9)).toEqual({ looked: 9, different: 4, once: 2, twice: 1 })
})

test('the first run of each window is enough where few texts differ', () => {
  const texts = Array.from({ length: 200 }, (_, i) => `t${i % 50}`)
  expect(areClearlyCategories(texts, 200)).toBe(true)
  expect(areClearlyCategories([...texts, 'another'], 200)).toBe(false)
  expect(areClearlyCategories(texts, 160)).toBe(false)
})
