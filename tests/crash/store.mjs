import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { BUILD } from '../integration/harness.mjs';

// Every index and count of a daemon that has ended against its records; rejects with what disagrees.
export const checkStore = (dataDir) => promisify(execFile)(path.join(BUILD, 'tests', 'store_check'), [dataDir]);
