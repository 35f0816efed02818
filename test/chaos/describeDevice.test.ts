import { describeDevice } from './describeDevice.js';
import { accepted, del, post, unknown, uuid, wellDeprovisioned } from './doctored/histories.js';

test("a device's history tells its requests, their answers, what the processes said about it, and what was done to them", () => {
  const asks = [post('main', accepted('request-1'), 1_000, 1_020), del(unknown, 3_000, 3_500)];
  const lines = [
    { at: 1_500, process: 'worker', text: 'message request-1.7 (delivery 1) completed' },
    { at: 1_600, process: 'iot hub', text: `device ${uuid.slice(0, 7)}… created` },
    { at: 1_700, process: 'iot hub', text: 'device 1234567… created' },
    { at: 2_000, process: 'chaos', text: 'kill http for 500 ms' },
  ];
  const history = describeDevice(wellDeprovisioned({ asks }), undefined, lines);
  expect(history.split('\n')).toEqual([
    `device ${uuid}`,
    expect.stringMatching(/^ +1\.000 -> POST "main"$/),
    expect.stringMatching(/^ +1\.020 <- POST "main": .*"accepted","requestId":"request-1"/),
    expect.stringMatching(/^ +1\.500 worker: message request-1.7 \(delivery 1\) completed$/),
    expect.stringMatching(/^ +1\.600 iot hub: device abababa… created$/),
    expect.stringMatching(/^ +2\.000 chaos: kill http for 500 ms$/),
    expect.stringMatching(/^ +3\.000 -> DELETE$/),
    expect.stringMatching(/^ +3\.500 <- DELETE: .*"unknown"/),
    expect.stringMatching(/^ +state +.*"deprovisioned"/),
    expect.stringMatching(/^ +record/),
    expect.stringMatching(/^ +dead +\[\]/),
    expect.stringMatching(/^ +hub +null/),
    expect.stringMatching(/^ +balena +"": , "main": OTHER/),
  ]);
});
