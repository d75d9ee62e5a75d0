import './shell.css'
import { takeLaunch } from '../connection/launch.ts'
import { captureConsole } from '../console-capture.ts'
import { Shell } from './shell.ts'

// Before all else the secret leaves the address, as in the embedded page.
const launch = takeLaunch(window)
const life = new AbortController()
const capture = captureConsole(window, life.signal)
void new Shell(launch, life.signal).open(capture)
