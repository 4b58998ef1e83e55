// As NiceGUI's html, with what is escaped already; but what the visitor does with the old content goes on with the new
// one: where a table is scrolled to, what has the focus, and a press on a link, which new content would swallow.
const ENDS = ["pointerup", "pointercancel", "contextmenu"];
export default {
  template: `<component :is="tag"></component>`,
  props: { innerHTML: String, sanitize: Boolean, tag: String },
  mounted() {
    this.render();
    this.$el.addEventListener("pointerdown", (event) => (this.pressed = event.button === 0));
    // The click comes after its pointerup.
    this.released = () => setTimeout(() => this.release());
    for (const name of ENDS) addEventListener(name, this.released, true);
  },
  updated() {
    this.render();
  },
  unmounted() {
    for (const name of ENDS) removeEventListener(name, this.released, true);
  },
  methods: {
    release() {
      this.pressed = false;
      this.render();
    },
    render() {
      if (this.pressed || this.innerHTML === this.shown) return;
      const focused = this.$el.contains(document.activeElement) ? this.nameOf(document.activeElement) : null;
      const places = this.tables().map((table) => [table.scrollLeft, table.scrollTop]);
      this.$el.innerHTML = this.shown = this.innerHTML;
      this.tables().forEach((table, at) => places[at] && table.scrollTo(...places[at]));
      if (focused === null) return;
      const again = [...this.$el.querySelectorAll("a, [tabindex]")].find((each) => this.nameOf(each) === focused);
      again?.focus({ preventScroll: true });
    },
    tables() {
      return [...this.$el.querySelectorAll(".table")];
    },
    nameOf(element) {
      return element.getAttribute("href") ?? element.getAttribute("aria-label");
    },
  },
};
