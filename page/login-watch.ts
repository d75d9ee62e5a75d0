import { failureOfAnswer } from './failure.ts'
import type { Transport } from './transport.ts'

/**
 * A login that expires cuts no open channel: it shows in the next question for data, which is sent to a login page.
 * @param tellExpired called once; another way to the server may do without that login
 */
export function watchLogin(transport: Transport, tellExpired: (reason: string) => void): Transport {
  let isTold = false
  return {
    ...transport,
    async call(call) {
      const answer = await transport.call(call)
      if (call.method === 'GET' && answer.status === 0 && !isTold) {
        isTold = true
        tellExpired(failureOfAnswer(answer).message)
      }
      return answer
    },
  }
}
