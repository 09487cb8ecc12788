// The page at / in a real browser, in front of real servers with the small checkpoints.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goldenPath } from '../support/golden.js'
import { type ServerProcess, startServer } from '../support/server.js'

const names = ['chromium', 'chromium-browser', 'google-chrome']
const folders = (process.env.PATH ?? '').split(path.delimiter)
const executablePath = names.flatMap((name) => folders.map((dir) => path.join(dir, name))).find(existsSync)

const limitMs = 15_000
const image = goldenPath('media/rgb_48x48.png')

describe.skipIf(executablePath === undefined)('the page at / (needs chromium)', () => {
  let browser: Browser
  let reranker: ServerProcess
  let embedder: ServerProcess
  const key = 'a-secret-key'
  beforeAll(async () => {
    const started = await Promise.all([
      chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] }),
      startServer('qwen3-vl-reranker'),
      startServer('qwen3-vl-embedding', { args: ['--api-key', key, '--max-model-len', '256'] }),
    ])
    browser = started[0]
    reranker = started[1]
    embedder = started[2]
  })
  afterAll(async () => {
    await browser?.close()
    await Promise.all([reranker?.stop(), embedder?.stop()])
  })

  /** Fails at its end when the page asked another server, broke a rule of its policy, or threw. */
  async function visit(
    server: ServerProcess,
    work: (page: Page) => Promise<void>,
    options: BrowserContextOptions = {},
  ) {
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options })
    const elsewhere: string[] = []
    const wrong: string[] = []
    await context.route('**/*', async (route) => {
      const url = route.request().url()
      if (!url.startsWith(server.url)) elsewhere.push(url)
      await route.continue()
    })
    const page = await context.newPage()
    page.setDefaultTimeout(limitMs)
    page.on('pageerror', (error) => wrong.push(error.message))
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) wrong.push(message.text())
    })
    // The browser is told to leave choosing files to us when the first listener is added: long before a key asks for it.
    page.on('filechooser', () => {})
    await page.goto(server.url)
    await work(page)
    await context.close()
    expect({ elsewhere, wrong }).toEqual({ elsewhere: [], wrong: [] })
  }

  const tabTo = async (page: Page, id: string): Promise<void> => {
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab')
      const found = await page.evaluate(
        'document.activeElement.getAttribute("aria-label") + "\\n" + document.activeElement.id',
      )
      if (String(found).split('\n').includes(id)) return
    }
    throw new Error(`the keyboard does not reach ${id}`)
  }

  it('ranks an image by keyboard alone, and copies a curl command that works', async () => {
    await visit(reranker, async (page) => {
      await page.waitForSelector('#query')
      await tabTo(page, 'query')
      await page.keyboard.type('What is red?')
      await tabTo(page, 'item-0')
      await page.keyboard.type('A text.')
      await tabTo(page, 'Add an image or video to document 2')
      const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')])
      await chooser.setFiles(image)
      await page.waitForSelector('.media .thumbnail img')
      await tabTo(page, 'item-1')
      await page.keyboard.press('Alt+ArrowUp')
      expect(await page.locator('#item-1').inputValue()).toBe('A text.')
      await page.keyboard.press('Control+Enter')
      await page.waitForSelector('.result details')
      const scores = (await page.locator('.score').allTextContents()).map(Number)
      expect(scores).toHaveLength(2)
      expect(scores[0]).toBeGreaterThan(scores[1]!)
      await expect(page.locator('#status').textContent()).resolves.toMatch(/^[\d,]+ tokens · \d+ ms · tokenise .* run /)
      expect((await page.locator('.result pre').allTextContents()).join()).toMatch(/<\|image_pad\|> × \d+/)
      await tabTo(page, 'copy-curl')
      await page.keyboard.press('Enter')
      await page.locator('#copied', { hasText: 'Copied.' }).waitFor()
      const command = String(await page.evaluate('navigator.clipboard.readText()'))
      const { stdout } = await promisify(execFile)('bash', ['-c', command])
      const { results } = JSON.parse(stdout) as { results: { relevance_score: number }[] }
      expect(results.map(({ relevance_score: score }) => score.toFixed(3))).toEqual(
        scores.map((score) => score.toFixed(3)),
      )
      // Text stays over a reload; images do not.
      await page.reload()
      await page.waitForSelector('#item-1')
      expect(await page.locator('#query').inputValue()).toBe('What is red?')
      expect(await page.locator('.thumbnail').count()).toBe(0)
    })
  })

  it('asks for a key, compares embeddings, and tells an error in full', async () => {
    await visit(
      embedder,
      async (page) => {
        await page.waitForSelector('#key:not([hidden])')
        await page.keyboard.type('wrong')
        await page.keyboard.press('Enter')
        await page.locator('#key-hint', { hasText: 'This key is not' }).waitFor()
        await page.fill('#key-value', key)
        await page.keyboard.press('Enter')
        await page.waitForSelector('#form:not([hidden])')
        expect(await page.locator('#key').isHidden()).toBe(true)
        await page.click('#example')
        await page.click('#run')
        await page.waitForSelector('.result details')
        const cells = (await page.locator('.matrix td:not(:empty)').allTextContents()).map(Number)
        expect(cells).toHaveLength(9)
        expect([cells[0], cells[4], cells[8]]).toEqual([1, 1, 1])
        expect(cells[1]).toBe(cells[3])
        expect(await page.locator('.vector').first().textContent()).toMatch(/^\[-?\d\.\d{4}, .* …]$/)
        await page.fill('#item-0', 'word '.repeat(1000))
        await page.click('#run')
        await page.waitForSelector('#error:not([hidden])')
        expect(await page.locator('#error-what').textContent()).toMatch(/\.$/)
        expect(await page.locator('#error-rest').textContent()).not.toBe('')
        expect(await page.locator('#request-text').textContent()).toContain('Bearer $QVL_API_KEY')
        expect(await page.content()).not.toContain(key)
      },
      { viewport: { width: 360, height: 700 } },
    )
  })

  it('is dark where the visitor wants it dark, and fits a narrow screen', async () => {
    const background = async (colorScheme: 'dark' | 'light'): Promise<string> => {
      let color = ''
      const look = async (page: Page): Promise<void> => {
        await page.waitForSelector('#query')
        await page.click('#example')
        color = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      }
      await visit(reranker, look, { colorScheme, viewport: { width: 320, height: 600 } })
      return color
    }
    expect(await background('light')).toBe('rgb(255, 255, 255)')
    expect(await background('dark')).toBe('rgb(21, 24, 28)')
  })

  it('waits for a server that does not answer yet, and cancels', async () => {
    await visit(reranker, async (page) => {
      let numAsked = 0
      await page.route('**/health/ready', (route) => {
        numAsked += 1
        return numAsked < 3 ? route.abort('connectionrefused') : route.continue()
      })
      // Never let through: only the visitor can end it.
      await page.route('**/v1/rerank', () => {})
      await page.reload()
      await page.locator('#status', { hasText: 'The server does not answer.' }).waitFor()
      await page.waitForSelector('#form:not([hidden])')
      expect(numAsked).toBe(3)
      await page.click('#run')
      expect(await page.locator('#error').textContent()).toContain('There has to be a query and a document.')
      await page.click('#example')
      await page.click('#run')
      await page.click('#cancel')
      await page.locator('#status', { hasText: 'Cancelled.' }).waitFor()
      expect(await page.locator('#run').isEnabled()).toBe(true)
      await page.locator('input[type=file]').first().setInputFiles(goldenPath('media/clip_yuv420_96x64.mp4'))
      await page.waitForSelector('.thumbnail video')
      await page.click('.thumbnail button')
      expect(await page.locator('.thumbnail').count()).toBe(0)
    })
  })

  it('lets /docs ask for the key', async () => {
    await visit(embedder, async (page) => {
      await page.goto(`${embedder.url}/docs#version`)
      await page.click('#version button[type=submit]')
      await page.waitForSelector('#key-line:not([hidden])')
      await page.fill('#key', key)
      await page.click('#version button[type=submit]')
      await page.waitForSelector('#version .status.good')
    })
  })
})

describe('for programs', () => {
  it('/ is as in vLLM, and /explain tells the prompts', async () => {
    await using server = await startServer('qwen3-reranker')
    const bare = await fetch(server.url)
    expect([bare.status, await bare.json()]).toEqual([404, { detail: 'Not Found' }])
    const page = await fetch(server.url, { headers: { accept: 'text/html' } })
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([200, expect.stringContaining("'none'")])
    const body = { query: 'q', documents: ['a', 'b c'] }
    const { usage } = (await (await server.post('/v1/rerank', body)).json()) as { usage: { prompt_tokens: number } }
    const explained = (await (await server.post('/explain', body)).json()) as {
      prompts: { prompt: string; tokens: number }[]
    }
    expect(explained.prompts.map(({ tokens }) => tokens).reduce((sum, tokens) => sum + tokens)).toBe(
      usage.prompt_tokens,
    )
    expect(explained.prompts[1]!.prompt).toMatch(/^<\|im_start\|>system\n.*<Document>: b c<\|im_end\|>/s)
    expect((await server.post('/explain', { query: 'q' })).status).toBe(400)
  })

  it('--disable-page takes the page away', async () => {
    await using server = await startServer('qwen3-reranker', { args: ['--disable-page'] })
    // Clients of TEI post to /, so that path is there for another method.
    for (const [at, status] of [
      ['/', 405],
      ['/page/main.js', 404],
      ['/page/facts', 404],
    ] as const) {
      expect((await fetch(server.url + at, { headers: { accept: 'text/html' } })).status).toBe(status)
    }
  })
})
