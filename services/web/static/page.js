// Runs in every page, before NiceGUI's own scripts.

// A page that is being left (a link was followed, its answer has not come) knows it: see parts/away.py.
addEventListener("beforeunload", () => {
  window.leavingAt = Date.now();
});

// What a visitor does before the socket is open comes in the order in which it was done. NiceGUI looks every 10 ms,
// for each event by itself, whether it may send it: a click could overtake the text typed before it. The socket keeps
// what it is given until the server has taken the handshake, in order.
Object.defineProperty(window, "did_handshake", { get: () => true, set: () => {} });

// The second click of a double click is none.
addEventListener(
  "click",
  (event) => {
    if (event.detail > 1 && event.target.closest(".btn")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);
