import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import type { Lab } from '../../scripts/jupyter-lab.mjs'
import type { CellOutput } from './notebook.ts'

/** What is used of a kernel's message in JSON. */
type Message = {
  msg_type: string
  parent_header: { msg_id?: string }
  content: Omit<CellOutput, 'output_type'> & { execution_state?: string }
}

/**
 * Run source in the one kernel of a Jupyter server, past whatever shows its notebook.
 * @returns what it printed, and the error it raised
 */
export async function executeInKernel({ url, token }: Pick<Lab, 'url' | 'token'>, code: string): Promise<CellOutput[]> {
  const headers = { authorization: `token ${token}` }
  // Documented answer of Jupyter's own interface.
  const kernels = (await (await fetch(`${url}api/kernels`, { headers })).json()) as { id: string }[]
  if (kernels.length !== 1) throw new Error(`one kernel was expected, and ${kernels.length} run`)
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}api/kernels/${kernels[0]?.id}/channels`, { headers })
  const id = randomUUID()
  const header = { msg_id: id, msg_type: 'execute_request', username: '', session: randomUUID(), version: '5.3' }
  const content = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false }
  const outputs: CellOutput[] = []
  await new Promise<void>((idle, failed) => {
    socket.on('error', failed)
    socket.on('close', () => failed(new Error('the kernel hung up')))
    socket.on('open', () =>
      socket.send(JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata: {}, content, buffers: [] })),
    )
    socket.on('message', (data, isBinary) => {
      if (isBinary) return // of a widget
      const message: Message = JSON.parse(String(data))
      if (message.parent_header.msg_id !== id) return
      const { msg_type: type } = message
      if (type === 'stream' || type === 'error') outputs.push({ output_type: type, ...message.content })
      if (type === 'status' && message.content.execution_state === 'idle') idle()
    })
  })
  socket.close()
  return outputs
}
