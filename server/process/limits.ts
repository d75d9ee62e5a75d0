import { TUNNEL_LIMITS } from '../../protocol/comm.ts'

/** How much of everything. Start values; each is named where it is enforced. */
export const LIMITS = {
  pageKeysPerViewer: 8,
  learntPerViewer: 16,
  /** Proven probes of one viewer over the life of the server; each nonce is remembered, so that it counts once. */
  noncesPerViewer: 65_536,
  /** Tokens refused per viewer, or per address that they came from, and minute before each further answer waits `refusedTokenDelayMs`. */
  refusedTokensPerMinute: 10,
  refusedTokenDelayMs: 1_000,
  /** Of so many viewers and addresses it is known how often they were refused. */
  refusedPeers: 1_000,
  oneTimeTokensPerViewer: 8,
  oneTimeTokenMs: 15 * 60_000,

  /** Proxies add cookies. */
  headerBytes: 16 << 10,
  headerLines: 100,
  headersTimeoutMs: 10_000,
  pathBytes: 1 << 10,
  queryBytes: 4 << 10,
  nameBytes: 4 << 10,

  keyBodyBytes: 4 << 10,
  jsonBodyBytes: 1 << 20,
  snapshotBytes: 500_000,
  sessionBundleBytes: 512 << 20,
  /** One frame of the channel with its length before it, and room for a few small ones beside it. */
  eventsBodyBytes: (1 << 20) + (64 << 10),
  /** Never more in one answer to a Range. */
  rangeBytes: 64 << 20,
  cellNamesPerAnswer: 1_000,
  genesPerAnswer: 200,

  requestTimeoutMs: 30_000,
  connectionTimeoutMs: 60_000,
  keepAliveTimeoutMs: 5_000,
  connectionsCheckIntervalMs: 1_000,
  /** A read of data; below the connection's own timeout, so that the page gets a sentence and not a cut. */
  dataTimeoutMs: 50_000,
  /** Connections at one address; who is past them hears nothing. Strangers never come near. */
  sockets: 2_048,
  /** Connections that the system holds until they are taken in; who finds no place among them asks again after a second. */
  backlog: 4_096,
  /** Connections on which nothing was proven yet; past them the oldest goes. */
  strangers: 512,
  /** Channels that were challenged and have not yet shown their proof; past them the oldest goes. */
  unprovenChannels: 256,
  requestsPerSocket: 1_000,

  channelFragments: 64,
  /** Reads that one page was allowed to fetch; the oldest goes. */
  ticketsPerSocket: 256,
  /** After the end of its page's socket. */
  ticketOutlivesMs: 10_000,
  missedPings: 2,
  /** How long a socket may stay over the send buffer. */
  sendPausedMs: 30_000,
  /** Bodies of one page that may be under way at once. */
  channelBodiesUnderWay: 4,
  /** What one page may have waiting for its next poll. */
  pollQueueBytes: 64 << 20,
  /** One answer to a poll; the notebook's connection carries no more at once. */
  pollAnswerBytes: TUNNEL_LIMITS.textPartBytes,
  /** A page that polls is there while no longer than this lies between two polls. */
  pollSilentMs: 15_000,

  outboxCommands: 1_000,
  outboxBytes: 16 << 20,
  eventsToKernel: 1_000,
  eventBytesToKernel: 16 << 20,
  cellSetsPerViewer: 256,
  cellSetBytesPerViewer: 64 << 20,

  consoleLines: 1_000,
  consoleLineBytes: 2 << 10,
  consoleLinesPerSecond: 100,
  logLines: 200,
  logLineBytes: 1 << 10,
  refusedHosts: 50,

  /** Requests of one view through the tunnel: those in flight, and as many asked again. */
  tunnelRequestsPerView: 16,
  tunnelAnswerBytes: (1 << 20) + (64 << 10),

  /** One answer on a page's socket; columns and embeddings past a few cells are fetched instead. */
  socketAnswerBytes: 16 << 20,

  columnCacheBytes: 128 << 20,
  /** Past it new data reads are answered 503. */
  eventLoopLateMs: 1_000,
  /** From the end of stdin to the end of the process. */
  closeTimeoutMs: 1_000,
} as const
