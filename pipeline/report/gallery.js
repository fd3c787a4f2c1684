'use strict';
(() => {
  const rows = [...document.querySelectorAll('.row')];
  const nothing = document.querySelector('.nothing[hidden]');

  // On a phone the pictures come first: the list of troubles opens on a tap.
  if (matchMedia('(max-width: 34rem)').matches) document.querySelector('.trouble')?.removeAttribute('open');

  // Filter: every word must occur in the row's key, prompt, follow-ups or reasons.
  const found = rows.map((row) => row.textContent.toLowerCase());
  const filter = document.querySelector('.filter');
  filter.addEventListener('input', () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    let left = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => found[i].includes(word));
      left += row.hidden ? 0 : 1;
    });
    if (nothing) nothing.hidden = left > 0 || rows.length === 0;
  });

  // Texts: open a folded one, copy one as it was written.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand('copy');
      area.remove();
      return done;
    }
  };
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('.more, .copy');
    if (!button) return;
    const prompt = button.parentElement.querySelector('.copied');
    if (button.classList.contains('more')) {
      const folded = prompt.classList.toggle('folded');
      button.textContent = folded ? 'Show all' : 'Show less';
      button.setAttribute('aria-expanded', String(!folded));
    } else {
      button.dataset.name ??= button.textContent;
      button.textContent = (await copy(prompt.textContent)) ? 'Copied' : 'Select the text to copy it';
      setTimeout(() => { button.textContent = button.dataset.name; }, 1600);
    }
  });

  // One picture large, and a walk through all that are on the page.
  const large = document.createElement('dialog');
  large.className = 'large';
  large.tabIndex = -1;
  large.setAttribute('aria-label', 'Picture');
  large.innerHTML = '<div class="stage"><img alt=""></div><div class="caption"><span class="name"></span>'
    + '<span class="said" dir="auto"></span><span class="about"><span></span> · <a target="_blank">record</a></span></div>'
    + '<button type="button" class="back" aria-label="Previous picture">‹</button>'
    + '<button type="button" class="on" aria-label="Next picture">›</button>'
    + '<button type="button" class="close" aria-label="Close">×</button>';
  document.body.append(large);
  const part = (selector) => large.querySelector(selector);
  let walk = [];
  let at = 0;

  const show = (index) => {
    at = (index + walk.length) % walk.length;
    const link = walk[at];
    const row = link.closest('.row');
    const name = [row.querySelector('h2').textContent, link.dataset.word].filter(Boolean).join(' ');
    const small = link.querySelector('img');
    const image = part('img');
    image.width = small.getAttribute('width');
    image.height = small.getAttribute('height');
    image.src = small.src;
    const whole = new Image();
    whole.onload = () => { if (walk[at] === link) image.src = whole.src; };
    whole.src = link.href;
    image.alt = name;
    part('.name').textContent = name;
    const asked = row.querySelector('.words .prompt') ?? row.querySelector('.words .deed');
    part('.said').textContent = link.dataset.said ?? asked?.textContent ?? '';
    part('.about span').textContent = link.dataset.facts;
    part('.about a').href = link.dataset.record;
    new Image().src = walk[(at + 1) % walk.length].href;
  };
  const close = () => {
    large.close();
    walk[at].focus({ preventScroll: true });
    walk[at].scrollIntoView({ block: 'nearest' });
  };

  document.addEventListener('click', (event) => {
    const link = event.target.closest('.pic');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    walk = [...document.querySelectorAll('.row:not([hidden]) .pic')];
    large.showModal();
    large.focus();
    show(walk.indexOf(link));
  });
  part('.back').addEventListener('click', () => show(at - 1));
  part('.on').addEventListener('click', () => show(at + 1));
  part('.close').addEventListener('click', close);
  part('.stage').addEventListener('click', close);
  large.addEventListener('cancel', (event) => { event.preventDefault(); close(); });
  large.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') show(at - 1);
    if (event.key === 'ArrowRight') show(at + 1);
  });
  let touched = 0;
  large.addEventListener('touchstart', (event) => { touched = event.touches[0].clientX; }, { passive: true });
  large.addEventListener('touchend', (event) => {
    const moved = event.changedTouches[0].clientX - touched;
    if (Math.abs(moved) > 50) show(at + (moved < 0 ? 1 : -1));
  });
})();
