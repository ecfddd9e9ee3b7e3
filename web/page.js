// The page around the replay: light or dark, figures enlarged, videos made ready.
(() => {
  const root = document.documentElement;
  const button = document.getElementById('theme');
  const names = {auto: 'as the system has them', light: 'light', dark: 'dark'};
  const order = Object.keys(names);

  function setTheme(theme) {
    if (theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.textContent = theme[0].toUpperCase() + theme.slice(1);
    button.setAttribute('aria-label', `Colours: ${names[theme]}`);
    document.dispatchEvent(new Event('themechange'));
  }
  const current = () => root.dataset.theme || 'auto';
  button.addEventListener('click', () => {
    const next = order[(order.indexOf(current()) + 1) % order.length];
    setTheme(next);
    // A file opened from disk may have no storage: then the choice lasts as long as the page.
    try { localStorage.setItem('understudy-theme', next); } catch { /* as said */ }
  });
  try {
    const kept = localStorage.getItem('understudy-theme');
    if (order.includes(kept)) setTheme(kept);
  } catch { /* as said */ }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => document.dispatchEvent(new Event('themechange')));

  // Some browsers play no video out of a data: address; all play a blob.
  for (const video of document.querySelectorAll('video[data-base64]')) {
    const raw = atob(document.getElementById(video.dataset.base64).textContent);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    video.src = URL.createObjectURL(new Blob([bytes], {type: 'video/mp4'}));
  }

  const dialog = document.getElementById('zoom');
  for (const figure of document.querySelectorAll('button.enlarge')) {
    figure.addEventListener('click', () => {
      dialog.querySelector('.paper').replaceChildren(figure.querySelector('img').cloneNode());
      dialog.showModal();
    });
  }
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog || event.target.className === 'close') dialog.close();
  });
})();
