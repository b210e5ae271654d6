// Loads a page in Chromium with an empty cache and prints its requests and bytes on the wire, headers included:
// {"requests":…, "code":…, "all":…}. Arguments: the browser, the address.
import { chromium } from 'playwright-core';

const [executablePath, address] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage();
const session = await page.context().newCDPSession(page);
await session.send('Network.enable');
const kinds = new Map();
const sum = { requests: 0, code: 0, all: 0 };
session.on('Network.responseReceived', (event) => kinds.set(event.requestId, event.type));
session.on('Network.loadingFinished', (event) => {
	sum.requests += 1;
	sum.all += event.encodedDataLength;
	if (['Script', 'Stylesheet'].includes(kinds.get(event.requestId))) sum.code += event.encodedDataLength;
});
await page.goto(address, { waitUntil: 'networkidle' });
await browser.close();
console.log(JSON.stringify(sum));
