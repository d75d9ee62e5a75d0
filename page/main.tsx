import './page.css'
// First, so that alike modules stand beside each other in the bundle: packed, it is 500 bytes smaller.
import './picture.ts'
import './viewer-session.ts'
import { captureConsole } from './console-capture.ts'
import { forbidConnections, takeLaunch } from './launch.ts'
import { openPage } from './open-page.tsx'

// Before all else the secret leaves the address; the imports above run nothing by themselves.
const launch = takeLaunch(window)
if (launch.isTunnel) forbidConnections(document)
const life = new AbortController()
const capture = captureConsole(window, life.signal)
void openPage(launch, capture, life.signal)
