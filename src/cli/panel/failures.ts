// What the statuses of failed requests mean, in a few words.

const texts: Readonly<Record<string, string>> = {
  '400': 'wrong request',
  '401': 'no valid key',
  '403': 'origin or host not allowed',
  '404': 'no such path or model',
  '405': 'wrong method',
  '408': 'body came too slowly',
  '413': 'too large',
  '415': 'unknown format',
  '422': 'unusable image or video',
  '429': 'overloaded',
  '431': 'headers too large',
  '499': 'client left',
  '500': 'failed',
  '501': 'not supported',
  '502': 'image host failed',
  '503': 'not ready, or out of time',
  '4xx': 'refused',
  '5xx': 'failed',
  abort: 'client left',
  error: 'failed',
}

export const failureText = (code: string): string => texts[code] ?? (code.startsWith('4') ? 'refused' : 'failed')
