/** What a script can tell from. */
export const exitCodes = {
  ok: 0,
  notWell: 1,
  wrongUsage: 2,
  notFound: 3,
  refused: 4,
  unavailable: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodesHelp = `
Exit codes:
  0    done, and well
  1    not well: something failed, doctor found a fault, audit a disagreement,
       or devices were left alone
  2    wrong usage, or settings that are missing or wrong
  3    there is no such device, action or dead letter
  4    refused: it cannot be done as things are; the message says why
  5    the queue or the records cannot be reached; asking again is harmless
  130  interrupted
`;
