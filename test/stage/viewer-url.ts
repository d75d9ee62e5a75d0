import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { LabStage } from './lab-stage.ts'
import { runSource } from './notebook.ts'

const DIRECT = /^http:\/\/127\.0\.0\.1:\d+\/$/

/**
 * Its `viewer_url`, by a file of its own: what a cell prints is saved in the notebook.
 * @param base what it must begin with
 */
export async function viewerUrl(stage: LabStage, page: Page, base = DIRECT): Promise<string> {
  await runSource(page, 'open("viewer-url.txt", "w").write(viewer.viewer_url); None')
  const file = join(stage.lab.folder, 'viewer-url.txt')
  const url = readFileSync(file, 'utf8')
  rmSync(file)
  expect(url).toMatch(/\?jupyter=true&viewerId=[0-9a-f]{16}&viewerToken=[0-9a-f]{64}$/)
  expect(url.split('?')[0]).toMatch(base)
  return url
}
