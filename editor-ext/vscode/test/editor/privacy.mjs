// Connections that were made: read from a record of the kernel's calls (strace) of the editor's server, the extension
// host, azr and its daemon, and from the requests of the page. Only this machine may be named in them.

import { existsSync, readFileSync } from "node:fs";

export function tracer(record) {
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "200", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", record];
}

/** Addresses of the record beyond this machine, and how many calls named one at all. */
export function connections(record) {
    const foreign = [];
    let named = 0;
    if (!existsSync(record)) throw new Error(`${record} was not written`);
    for (const line of readFileSync(record, "utf8").split("\n")) {
        if (/sa_family=AF_UNIX/.test(line)) named += 1;
        const four = /sa_family=AF_INET,.*?sin_addr=inet_addr\("([^"]+)"\)/.exec(line);
        const six = /sa_family=AF_INET6,.*?inet_pton\(AF_INET6, "([^"]+)"/.exec(line);
        const address = four?.[1] ?? six?.[1];
        if (address === undefined) continue;
        named += 1;
        if (!/^127\.|^::1$|^::ffff:127\./.test(address)) foreign.push(line.slice(0, 220));
    }
    return { foreign, named };
}

/** Requests of the page that left this machine. */
export function foreignRequests(urls) {
    return urls.filter((url) => /^(https?|wss?):/.test(url)).filter((url) => {
        const { hostname } = new URL(url);
        // Files of web views have an origin of their own, which a service worker of the editor answers from the machine.
        // The browser of the test resolves no name, so that such a file comes from there or not at all.
        return hostname !== "127.0.0.1" && !hostname.endsWith(".vscode-resource.vscode-cdn.net");
    });
}
