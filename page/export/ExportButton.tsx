import { useState } from 'preact/hooks';
import { ApiError } from '../api/openApi.js';
import { number } from '../format.js';
import { type CsvColumn, csvText } from './csv.js';

interface Page<T> {
  rows: T[];
  next: string | null;
}

interface Props<T> {
  /** The name of the file, without ending. */
  name: string;
  columns: readonly CsvColumn<T>[];
  /** Loads one page of all matching rows. */
  load(page: { limit: number; cursor: string | undefined }): Promise<Page<T>>;
}

const pageSize = 1_000;
/** A file of a million lines fits into the memory of a browser. */
const mostRows = 1_000_000;

/** A button that loads all matching rows, page by page, and saves them as a CSV file. */
export function ExportButton<T>({ name, columns, load }: Props<T>) {
  const [state, setState] = useState('');
  const [isBusy, setBusy] = useState(false);
  async function onClick() {
    if (isBusy) return;
    setBusy(true);
    try {
      const rows: T[] = [];
      let cursor: string | undefined;
      do {
        const page = await load({ limit: pageSize, cursor });
        rows.push(...page.rows);
        cursor = page.next ?? undefined;
        setState(`${number(rows.length)} rows …`);
      } while (cursor !== undefined && rows.length < mostRows);
      save(`${name}.csv`, csvText(columns, rows));
      setState(`${number(rows.length)} rows saved`);
    } catch (error) {
      setState(ApiError.from(error).message);
    } finally {
      setBusy(false);
    }
  }
  return (
    <span class="export">
      <button type="button" class="outline" aria-busy={isBusy} onClick={onClick}>
        Export CSV
      </button>
      <span role="status">{state}</span>
    </span>
  );
}

/** Saves a text as a file. The byte order mark makes spreadsheets read the file as UTF-8. */
function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob(['\uFEFF', text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
