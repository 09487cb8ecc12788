// Which network addresses may be dialled for media: public ones, and what the operator allows.

import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { QvlError } from '../errors.js'

/** Everything that is not the public internet (IANA special-purpose registries), as requests must not reach into it. */
const special4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** Global unicast is 2000::/3; these parts of it carry other addresses inside, or are documentation. */
const global6 = '2000::/3'
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

/** Networks as CIDR, such as 10.0.0.0/8. Throws USAGE. */
export function parseNetworks(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) addNetwork(list, network)
  return list
}

/** Decides by the address that will be dialled, never by a name. */
export class AddressRules {
  readonly #special = parseNetworks([...special4, ...special6])
  readonly #global6 = parseNetworks([global6])
  readonly #allowed: BlockList

  /** `allowed` may be dialled although they are not public. */
  constructor(allowed: BlockList) {
    this.#allowed = allowed
  }

  isAllowed(address: string): boolean {
    if (isIPv4(address)) return this.#allowed.check(address) || !this.#special.check(address)
    if (!isIPv6(address)) return false
    const inside = embeddedIPv4(address)
    if (inside !== undefined) return this.isAllowed(inside)
    if (this.#allowed.check(address, 'ipv6')) return true
    return this.#global6.check(address, 'ipv6') && !this.#special.check(address, 'ipv6')
  }
}

/** ::ffff:a.b.c.d names an IPv4 address, in one of two spellings. */
function embeddedIPv4(address: string): string | undefined {
  const url = new URL(`http://[${address.replace(/%.*$/, '')}]/`)
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(url.hostname) ?? []
  if (high === undefined || low === undefined) return undefined
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', prefix, ...rest] = network.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined
  const bits = family === 'ipv4' ? 32 : 128
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (family === undefined || rest.length > 0 || !(length <= bits)) {
    throw new QvlError('USAGE', {
      what: `${JSON.stringify(network)} is not a network.`,
      why: 'A network is an address and the length of its prefix.',
      do: 'Write it as 10.0.0.0/8 or fd00::/8.',
      param: '--allowed-media-networks',
    })
  }
  list.addSubnet(address, length, family)
}
