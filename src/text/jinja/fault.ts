// What stops a template; the front door turns it into a TEMPLATE_INVALID error with the template's name.

export class TemplateFault extends Error {
  /** `why` is a sentence for people; `raised` marks the template's own raise_exception. */
  constructor(
    readonly why: string,
    readonly raised = false,
  ) {
    super(why)
  }
}

export function fault(why: string): never {
  throw new TemplateFault(why)
}
