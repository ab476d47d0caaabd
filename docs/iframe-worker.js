// Browsers start no worker for a page that is opened as a file. There, its script runs in a frame, so that search works.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const waiting = [];
      this.postMessage = (data) => waiting.push(data);
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html>";
      frame.onload = () => {
        const inner = frame.contentWindow;
        inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        const script = inner.document.createElement("script");
        script.src = url;
        script.onload = () => {
          this.postMessage = (data) => inner.dispatchEvent(new inner.MessageEvent("message", { data }));
          waiting.forEach(this.postMessage);
        };
        inner.document.body.append(script);
      };
      document.body.append(frame);
    }
  };
}
