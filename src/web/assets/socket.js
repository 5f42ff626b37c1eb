// The connection to the server: what comes is handed on; when it is lost it is tried again, with a
// delay that grows.

const DELAY_MIN = 1;
const DELAY_MAX = 30;
// A server that says nothing at all for so long is not there any more. It does not answer to
// messages, so whether it lives is asked over HTTP.
const SILENCE_MAX = 15000;

export class Socket {
  /** handlers: opened(), message(object), lost(seconds until the next try), connecting() */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
    this.delay = DELAY_MIN;
    this.timer = null;
    this.connect();
    setInterval(() => this.checkSilence(), SILENCE_MAX / 3);
  }

  connect() {
    clearInterval(this.timer);
    this.timer = null;
    this.handlers.connecting();
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heardAt = Date.now();
    socket.onopen = () => {
      this.handlers.opened();
    };
    socket.onmessage = (event) => {
      this.heardAt = Date.now();
      this.delay = DELAY_MIN;
      this.handlers.message(JSON.parse(event.data));
    };
    socket.onclose = () => {
      if (this.socket === socket) this.retryLater();
    };
  }

  retryLater() {
    let left = this.delay;
    this.delay = Math.min(this.delay * 2, DELAY_MAX);
    this.handlers.lost(left);
    this.timer = setInterval(() => {
      left -= 1;
      if (left <= 0) this.connect();
      else this.handlers.lost(left);
    }, 1000);
  }

  tryNow() {
    this.delay = DELAY_MIN;
    if (this.timer !== null) this.connect();
  }

  async checkSilence() {
    const socket = this.socket;
    if (this.timer !== null || Date.now() - this.heardAt < SILENCE_MAX) return;
    this.heardAt = Date.now();
    try {
      await fetch('/healthz', { signal: AbortSignal.timeout(SILENCE_MAX / 3), cache: 'no-store' });
    } catch {
      if (this.socket !== socket || this.timer !== null) return;
      this.socket = null;
      socket.close();
      this.retryLater();
    }
  }
}
