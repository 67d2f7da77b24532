// Runs a list of steps in MicroPython's WebAssembly port (32 bit) and prints what they leave on its heap, as JSON.
// Arguments: the port's micropython.mjs, a folder that becomes /lib, a JSON file with [[label, code], ...].
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [port, folder, stepsFile] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(port).href);
const lines = [];
const mp = await loadMicroPython({ heapsize: 256 * 1024, linebuffer: true, stdout: (line) => lines.push(line) });

function copy(from, to) {
    mp.FS.mkdirTree(to);
    for (const name of readdirSync(from)) {
        const path = join(from, name);
        if (statSync(path).isDirectory()) copy(path, `${to}/${name}`);
        else mp.FS.writeFile(`${to}/${name}`, readFileSync(path));
    }
}

function allocated() {
    lines.length = 0;
    mp.runPython("print(gc.mem_alloc())");
    return Number(lines.at(-1));
}

copy(folder, "/lib");
mp.runPython("import gc");
const results = [];
for (const [label, code] of JSON.parse(readFileSync(stepsFile, "utf-8"))) {
    const before = allocated();
    try {
        mp.runPython(code);
    } catch (error) {
        console.error(`${label}: ${error.message}`);
        process.exit(1);
    }
    const grown = allocated() - before;
    // This port collects only once no Python code is running.
    mp.runPython("gc.collect()");
    results.push({ label, kept: allocated(), grown });
}
console.log(JSON.stringify(results));
