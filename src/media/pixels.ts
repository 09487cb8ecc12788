// A decoded picture: rows of red, green and blue bytes.

export interface Picture {
  height: number
  width: number
  /** [height, width, 3]. */
  rgb: Uint8Array
}

export interface Size {
  height: number
  width: number
}
