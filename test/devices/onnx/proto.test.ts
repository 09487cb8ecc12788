import { describe, expect, it } from 'vitest'
import { ProtoMessage } from '#qvl/devices/onnx/proto.js'

const hex = (message: ProtoMessage): string => Buffer.from(message.encode()).toString('hex')

// Expected bytes follow the protocol buffers encoding guide.
describe('ProtoMessage', () => {
  it.each<[string, ProtoMessage, string]>([
    ['zero', new ProtoMessage().int(1, 0), '0800'],
    ['a number of two bytes', new ProtoMessage().int(1, 150), '089601'],
    ['a negative number', new ProtoMessage().int(1, -1), '08ffffffffffffffffff01'],
    ['a number beyond 32 bits', new ProtoMessage().int(1, 2 ** 40), '08808080808020'],
    ['a field number of two bytes', new ProtoMessage().int(20, 1), 'a00101'],
    ['a string', new ProtoMessage().string(2, 'testing'), '120774657374696e67'],
    ['text beyond ASCII', new ProtoMessage().string(2, 'é'), '1202c3a9'],
    ['a float', new ProtoMessage().float(2, 1), '150000803f'],
    ['bytes', new ProtoMessage().bytes(9, Uint8Array.of(1, 2)), '4a020102'],
    ['an empty message in a message', new ProtoMessage().message(3, new ProtoMessage()), '1a00'],
    ['a message in a message', new ProtoMessage().message(3, new ProtoMessage().int(1, 150)), '1a03089601'],
    [
      'a repeated message',
      new ProtoMessage().messages(
        1,
        [1, 2].map((n) => new ProtoMessage().int(1, n)),
      ),
      '0a0208010a020802',
    ],
  ])('%s', (_, message, expected) => {
    expect(hex(message)).toBe(expected)
  })

  it('measures a long message with a length of two bytes', () => {
    const inner = new ProtoMessage().bytes(1, new Uint8Array(200))
    expect(hex(new ProtoMessage().message(1, inner)).slice(0, 12)).toBe('0acb010ac801')
  })
})
