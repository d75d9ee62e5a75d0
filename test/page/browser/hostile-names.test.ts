import { afterAll, beforeAll, expect, test } from 'vitest'
import { smallDataset } from '../../stage/small-dataset.ts'
import { openPageStage, type PageStage, says } from './page-stage.ts'

const MARKUP = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
const KEY = `${MARKUP} & "field"`
const CATEGORIES = [MARKUP, '__proto__', 'constructor', '"><svg/onload=window.hacked=1>', '']

let stage: PageStage
beforeAll(async () => {
  const honest = smallDataset()
  stage = await openPageStage({
    read: (read) => {
      const answer = honest(read)
      if (read.what === 'describe') {
        const result = answer.result as { obs: { key: string }[] } // the small dataset's own description
        const [cluster, ...others] = result.obs
        return { ...answer, result: { ...result, obs: [{ ...cluster, key: KEY }, ...others] } }
      }
      if (read.what === 'obs' && read.key === KEY) {
        const named = honest({ what: 'obs', key: 'cluster' })
        return {
          ...named,
          result: {
            ...(named.result as object),
            categories: CATEGORIES,
            colors: ['url(x)', 'red;}', '#00f', 'expression(1)', MARKUP],
          },
        }
      }
      if (read.what === 'varNames')
        return { ...answer, body: Buffer.from(JSON.stringify([MARKUP, 'MS4A1', 'NKG7', 'LYZ', 'ACTB'])) }
      if (read.what === 'obsNames')
        return {
          ...answer,
          body: Buffer.from(JSON.stringify(Array.from({ length: read.end - read.start }, () => MARKUP))),
        }
      return answer
    },
  })
})
afterAll(() => stage.stop())

test('names are text, wherever they stand: legend, search, labels, table, filter, title, saved pictures', async () => {
  const options = { name: MARKUP, color: KEY, embedding: null, geneSymbols: null, matrix: null }
  const { url } = await stage.server.openViewer({ options })
  const page = await stage.open(url)
  await page.getByRole('heading', { name: MARKUP }).waitFor()
  await page.getByRole('button', { name: `Only ${MARKUP}`, exact: true }).focus()
  await page.keyboard.press('Enter')
  await page.getByText(`${KEY}: only ${MARKUP}`).waitFor()
  await page.getByLabel('Colour of __proto__').fill('#123456')
  expect(await page.getByLabel('Colour of __proto__').inputValue()).toBe('#123456')
  await page.getByRole('combobox', { name: 'Colour by' }).fill('<img')
  await page.getByRole('option').filter({ hasText: MARKUP }).first().waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'A closer look' }).click()
  await page.getByRole('button', { name: 'Table' }).click()
  await page.locator('.table tbody th', { hasText: MARKUP }).first().waitFor()
  await page.getByText('On hover and in the table').click()
  const box = await page.getByRole('checkbox', { name: KEY, exact: true }).boundingBox()
  expect(box?.width, 'a long name leaves its box whole').toBeGreaterThan(10)
  await page.getByText('Save', { exact: true }).click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'SVG', exact: true }).click(),
  ])
  const svg = Buffer.concat(await (await download.createReadStream()).toArray()).toString()
  expect(svg).not.toContain('<img')
  expect(svg).not.toContain('<script')
  expect(svg.split('<svg')).toHaveLength(2)
  expect(await page.evaluate(() => [document.scripts.length, document.images.length, 'hacked' in window])).toEqual([
    1,
    0,
    false,
  ])
  expect(stage.errors).toEqual([])
})

test('the page runs its own script and style by their hashes and no other, and takes no markup', async () => {
  const { url } = await stage.server.openViewer()
  const page = await stage.open(url)
  await says(page, 'ready', 'true')
  const outcome = await page.evaluate(async () => {
    const refused: string[] = []
    addEventListener('securitypolicyviolation', ({ effectiveDirective }) => refused.push(effectiveDirective))
    const script = document.createElement('script')
    try {
      script.textContent = 'window.hacked = 1'
    } catch (error) {
      refused.push(error instanceof TypeError ? 'no plain text in a script' : String(error))
    }
    document.head.append(script)
    const style = document.createElement('style')
    style.textContent = 'body { display: none }'
    document.head.append(style)
    try {
      document.body.innerHTML = '<p>'
    } catch (error) {
      refused.push(error instanceof TypeError ? 'no plain text as markup' : String(error))
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    return { refused, isHacked: 'hacked' in window, display: getComputedStyle(document.body).display }
  })
  expect(outcome.isHacked).toBe(false)
  expect(outcome.display).not.toBe('none')
  expect(outcome.refused).toEqual(
    expect.arrayContaining(['no plain text in a script', 'no plain text as markup', 'style-src-elem']),
  )
})
