import './page.css'
import { forbidConnections, takeLaunch } from './connection/launch.ts'
import { captureConsole } from './console-capture.ts'
import { openPage } from './open-page.tsx'

// Before all else the secret leaves the address; the imports above run nothing by themselves.
const launch = takeLaunch(window)
if (launch.isTunnel) forbidConnections(document)
const life = new AbortController()
const capture = captureConsole(window, life.signal)
void openPage(launch, capture, life.signal)
