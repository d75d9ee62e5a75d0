/**
 * The number both ends of every border say first. Raise it when an old page, widget, server or kernel half would
 * misread a new message; adding a kind or an optional field does not raise it, since unknown ones are ignored.
 */
export const PROTOCOL_VERSION = 1
