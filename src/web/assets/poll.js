// Asks for a document once a second. When no answer comes it asks less often, tells for how long there has
// been none, and goes on by itself when there is one again.

const EVERY = 1000;
const PATIENCE = 4000;
const DELAY_MAX = 8000;
const SILENCE_TOLD = 3;  // seconds

/** The server answers, but not with the document. */
class Refusal extends Error {}

async function refusalOf(response) {
  if (response.status === 401) return new Refusal('It asks for a secret: load the page again.');
  const { detail } = await response.json().catch(() => ({}));
  return new Refusal(detail ?? `It answers ${response.status}.`);
}

export class Poll {
  /** handlers: got(document), silent(seconds, seconds until the next try, why) */
  constructor(address, handlers) {
    this.address = address;
    this.handlers = handlers;
    this.heardAt = performance.now();
    this.failures = 0;
    this.why = '';
    this.timer = null;
    setInterval(() => this.tick(), 1000);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.tryNow();
    });
    this.ask();
  }

  async ask() {
    this.timer = null;
    const began = performance.now();
    try {
      const response = await fetch(this.address, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
      if (!response.ok) throw await refusalOf(response);
      const answer = await response.json();
      this.failures = 0;
      this.heardAt = performance.now();
      this.handlers.got(answer);
    } catch (error) {
      this.failures += 1;
      this.why = error instanceof Refusal ? error.message : '';
    }
    const delay = this.failures === 0 ? EVERY : Math.min(EVERY * 2 ** (this.failures - 1), DELAY_MAX);
    this.nextAt = Math.max(began + delay, performance.now() + EVERY / 4);
    this.timer = setTimeout(() => this.ask(), this.nextAt - performance.now());
    this.tick();
  }

  tick() {
    const silent = Math.floor((performance.now() - this.heardAt) / 1000);
    if (this.failures === 0 && silent < SILENCE_TOLD) return;
    const left = this.timer === null ? 0 : Math.max(0, Math.ceil((this.nextAt - performance.now()) / 1000));
    this.handlers.silent(silent, left, this.why);
  }

  tryNow() {
    if (this.timer === null) return;  // it is being tried
    clearTimeout(this.timer);
    this.ask();
  }
}
