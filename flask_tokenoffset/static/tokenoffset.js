// What the script adds to pages that work without it: an amount that follows the slider, progress
// that shows by itself, the present link in sight, and a dialog in place of a page that asks "are you sure?".

const UNFINISHED = new Set(["queued", "running"]);
const POLL_MILLISECONDS = 2000;
const SLOWEST_POLL_MILLISECONDS = 30000;

/**
 * The monthly amount, in cents, that the server would charge: rounded up, with whole numbers only,
 * because a number of JavaScript loses cents beyond 2^53.
 */
function amountCents(tokens, centsPerMillion, percent) {
  const exact = tokens * centsPerMillion * percent;
  const unit = 1000000n * 100n;
  return (exact + unit - 1n) / unit;
}

function grouped(wholeNumber) {
  return String(wholeNumber).replace(/\B(?=(\d{3})+$)/g, ",");
}

function moneyCents(cents) {
  return `$${grouped(cents / 100n)}.${String(cents % 100n).padStart(2, "0")}`;
}

/** What the form sends is the number; the slider and the presets only help to set it. */
function followSlider(field) {
  const id = field.dataset.toSlider;
  const input = document.getElementById(id);
  if (!input) return;
  const range = field.querySelector("input[type=range]");
  const stops = range.dataset.toStops.split(",").map(Number);
  const percents = document.querySelectorAll(`[data-to-percent-of="${id}"]`);
  const amounts = document.querySelectorAll(`[data-to-amount-of="${id}"]`);
  const hiddenCents = document.querySelectorAll(`[data-to-cents-of="${id}"]`);
  const stale = document.querySelectorAll(`[data-to-stale-of="${id}"]`);
  const stated = field.querySelector("[data-to-stated]");

  /** An element may have an amount of its own, such as the card of a band; else it is the field's. */
  function amountOf(each, percent) {
    const { toTokens, toCentsPerMillion } =
      each.dataset.toTokens === undefined ? field.dataset : each.dataset;
    if (toTokens === undefined || toCentsPerMillion === undefined) return null;
    return amountCents(BigInt(toTokens), BigInt(toCentsPerMillion), percent);
  }

  function show() {
    const moved = input.value !== input.defaultValue;
    stale.forEach((each) => (each.hidden = moved));
    if (stated) stated.hidden = moved;
    // What is no whole number within the bounds is told by the browser when the form is sent.
    if (!input.value || !input.checkValidity()) return;
    const percent = `${grouped(Number(input.value))}\u00a0%`;
    percents.forEach((each) => (each.textContent = percent));
    const cents = amountOf(field, BigInt(input.value));
    amounts.forEach((each) => {
      const own = amountOf(each, BigInt(input.value));
      if (own !== null) each.textContent = moneyCents(own);
    });
    // Only the server knows some methods' amount; the old one beside a new percent would mislead.
    range.setAttribute("aria-valuetext", percent);
    if (cents === null) return;
    hiddenCents.forEach((each) => (each.value = String(cents)));
    if (stated) stated.hidden = false;
    range.setAttribute("aria-valuetext", `${percent}, ${moneyCents(cents)} a month`);
  }

  function moveSlider() {
    const above = stops.findIndex((stop) => stop > Number(input.value));
    range.value = String(above < 0 ? stops.length - 1 : above - 1);
    show();
  }

  function setNumber(percent) {
    input.value = String(percent);
    show();
  }

  input.addEventListener("input", moveSlider);
  range.addEventListener("input", () => setNumber(stops[Number(range.value)]));
  for (const preset of field.querySelectorAll("[data-to-preset]")) {
    preset.addEventListener("click", () => {
      setNumber(preset.dataset.toPreset);
      moveSlider();
    });
  }
  // What else the form asks for may change the tokens, which only the server counts.
  input.form?.addEventListener("input", (event) => {
    if (stated && !field.contains(event.target)) stated.hidden = true;
  });
  // A browser that goes back restores the number without telling anybody.
  moveSlider();
}

function followProgress(place) {
  const bar = place.querySelector("progress");
  const words = place.querySelector("[data-to-poll-words]");
  if (!bar || !words) return;
  let pause = POLL_MILLISECONDS;

  async function ask() {
    if (document.hidden) {
      document.addEventListener("visibilitychange", ask, { once: true });
      return;
    }
    try {
      const answer = await fetch(place.dataset.toPoll, {
        credentials: "same-origin",
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      const told = await answer.json();
      const { toDone, toExpected, toOf, toWords } = place.dataset;
      const expected = told[toExpected];
      if (!UNFINISHED.has(told.status)) {
        window.location.reload();
        return;
      }
      pause = POLL_MILLISECONDS;
      if (expected) {
        const shown = Math.min(told[toDone], expected);
        bar.max = expected;
        bar.value = shown;
        words.textContent = `${grouped(shown)}${toOf}${grouped(expected)} ${toWords}`;
      }
    } catch {
      // The network comes back or the person leaves; meanwhile, ask less often.
      pause = Math.min(pause * 2, SLOWEST_POLL_MILLISECONDS);
    }
    window.setTimeout(ask, pause);
  }

  window.setTimeout(ask, pause);
}

/**
 * What a day of a chart stands for, beside it while it is pointed at or has the focus. One day at a
 * time is reached by Tab, the others by the arrow keys: ninety stops would bar the way.
 */
function tellDays(figure) {
  const days = [...figure.querySelectorAll(".to-chart-day")];
  if (!days.length) return;
  const chart = figure.querySelector(".to-chart");
  const tip = document.createElement("p");
  tip.className = "to-chart-tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  figure.append(tip);

  function tell(day) {
    tip.textContent = day.getAttribute("aria-label");
    tip.hidden = false;
    const around = figure.getBoundingClientRect();
    const at = day.getBoundingClientRect();
    const middle = at.left + at.width / 2 - around.left - tip.offsetWidth / 2;
    const most = around.width - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(middle, most))}px`;
    tip.style.top = `${chart.getBoundingClientRect().top - around.top - tip.offsetHeight}px`;
  }

  function quiet() {
    const focused = days.find((day) => day === document.activeElement);
    if (focused) tell(focused);
    else tip.hidden = true;
  }

  days.forEach((day, at) => {
    // The browser's own tooltip would stand over ours.
    const title = day.querySelector("title");
    day.setAttribute("aria-label", title.textContent);
    title.remove();
    day.setAttribute("tabindex", at === days.length - 1 ? "0" : "-1");
    day.addEventListener("pointerenter", () => tell(day));
    day.addEventListener("pointerleave", quiet);
    day.addEventListener("focus", () => tell(day));
    day.addEventListener("blur", () => (tip.hidden = true));
    day.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: days.length - 1 }[event.key];
      if (event.key === "Escape") tip.hidden = true;
      if (to === undefined || !days[to]) return;
      event.preventDefault();
      day.setAttribute("tabindex", "-1");
      days[to].setAttribute("tabindex", "0");
      days[to].focus();
    });
  });
}

function offerDialog(link) {
  const dialog = document.getElementById(link.dataset.toDialog);
  if (!dialog || typeof dialog.showModal !== "function") return;
  link.addEventListener("click", (event) => {
    // Somebody who wants the page in a new tab shall have it.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    dialog.showModal();
  });
}

/** Where a list of links scrolls sideways, the present one is in sight. */
function showCurrent(list) {
  const current = list.querySelector("[aria-current]")?.parentElement;
  if (current) list.scrollLeft = current.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
}

for (const root of document.querySelectorAll(".to-root")) {
  root.querySelectorAll(".to-navigation ul, .to-place-switcher ul").forEach(showCurrent);
  root.querySelectorAll("[data-to-slider]").forEach(followSlider);
  root.querySelectorAll("[data-to-poll]").forEach(followProgress);
  root.querySelectorAll("[data-to-dialog]").forEach(offerDialog);
  root.querySelectorAll("[data-to-chart]").forEach(tellDays);
  for (const each of root.querySelectorAll("[data-to-without-script]")) each.hidden = true;
  for (const each of root.querySelectorAll("[data-to-with-script]")) each.hidden = false;
}
