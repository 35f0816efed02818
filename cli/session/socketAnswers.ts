import { connect } from 'node:net';

/** Whether a process listens on a local socket. @param address the path of the socket, or the name of a pipe on Windows */
export function socketAnswers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
