# Draws sweep-returns.svg and sweep-returns.png from sweep-returns.csv: run `gnuplot sweep-returns.gp` in this folder.
reset
set encoding utf8
set datafile separator ','
set datafile columnheaders
set border 3 linecolor rgb '#666666' linewidth 1
set tics nomirror out scale 0.5 textcolor rgb '#333333'
set grid ytics linetype 1 linecolor rgb '#E4E4E4' linewidth 0.8
set title '' textcolor rgb '#333333'
unset title
set errorbars 0.5
set key at screen 0.5, screen 0.01 center bottom vertical Left \
  reverse maxrows 2 samplen 3

do for [format in 'svg png'] {
  if (format eq 'svg') {
    set terminal svg noenhanced size 1100,470 font 'sans-serif,14' \
      background rgb 'white'
    set title font ',16'
    set xtics font ',13'
    dot = 0.8
    small = ',12'
  } else {  # twice the pixels; points of 4/3 pixels
    set terminal pngcairo noenhanced size 2200,940 font 'sans-serif,10.5' \
      fontscale 2 linewidth 2 pointscale 2 dashlength 1.5 \
      background rgb 'white'
    set title font ',12'
    set xtics font ',9.75'
    dot = 1.25
    small = ',9'
  }
  set output 'sweep-returns.'.format
  set title font (format eq 'svg' ? ',14' : ',10.5')
  set multiplot title 'Return against demonstrations, at equal labels' font ',15' textcolor rgb '#333333'

  set lmargin at screen 0.0818
  set rmargin at screen 0.3442
  set bmargin at screen 0.2511
  set tmargin at screen 0.8426
  set title 'ant-v5' offset 0,-0.6 textcolor rgb '#333333'
  set xlabel 'Demonstration episodes'
  set ylabel 'Return per episode'
  set logscale x 10
  set xrange [0.8:62.5]
  set xtics ('1' 1, '2' 2, '5' 5, '10' 10, '25' 25, '50' 50)
  set yrange [-1181.67339111:8531.40062535]
set ytics ('0' 0, '2k' 2000, '4k' 4000, '6k' 6000, '8k' 8000)
  plot 'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 0 ? column('demos') * 0.94 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 0 ? column('demos') * 0.94 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 6 pointsize 0.9 * dot notitle, \
    NaN with linespoints linecolor rgb '#D55E00' linewidth 1.8 dashtype (6,4) pointtype 6 pointsize 0.9 * dot title 'BC, 100 epochs', \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 1 ? column('demos') * 0.98 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype 1 notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 1 ? column('demos') * 0.98 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 7 pointsize 0.9 * dot notitle, \
    NaN with linespoints linecolor rgb '#D55E00' linewidth 1.8 dashtype 1 pointtype 7 pointsize 0.9 * dot title 'BC, converged', \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 2 ? column('demos') * 1.02 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 2 ? column('demos') * 1.02 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 8 pointsize 0.9 * dot notitle, \
    NaN with linespoints linecolor rgb '#7A1F7A' linewidth 1.8 dashtype (6,4) pointtype 8 pointsize 0.9 * dot title 'DAgger, 100 epochs', \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 3 ? column('demos') * 1.06 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype 1 notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 0 && column('line') == 3 ? column('demos') * 1.06 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 9 pointsize 0.9 * dot notitle, \
    NaN with linespoints linecolor rgb '#7A1F7A' linewidth 1.8 dashtype 1 pointtype 9 pointsize 0.9 * dot title 'DAgger, converged', \
    8089.89726097 with lines linecolor rgb '#0072B2' linewidth 1.5 dashtype 1 title 'expert'

  set lmargin at screen 0.4006
  set rmargin at screen 0.6630
  set bmargin at screen 0.2511
  set tmargin at screen 0.8426
  set title 'ant-v5, sampled' offset 0,-0.6 textcolor rgb '#333333'
  set xlabel 'Demonstration episodes'
  set ylabel ''
  set logscale x 10
  set xrange [0.8:62.5]
  set xtics ('1' 1, '2' 2, '5' 5, '10' 10, '25' 25, '50' 50)
  set yrange [-1181.67339111:8531.40062535]
set ytics ('0' 0, '2k' 2000, '4k' 4000, '6k' 6000, '8k' 8000)
  plot 'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 0 ? column('demos') * 0.94 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 0 ? column('demos') * 0.94 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 6 pointsize 0.9 * dot notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 1 ? column('demos') * 0.98 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype 1 notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 1 ? column('demos') * 0.98 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 7 pointsize 0.9 * dot notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 2 ? column('demos') * 1.02 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 2 ? column('demos') * 1.02 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 8 pointsize 0.9 * dot notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 3 ? column('demos') * 1.06 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype 1 notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 1 && column('line') == 3 ? column('demos') * 1.06 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 9 pointsize 0.9 * dot notitle, \
    7503.43706618 with lines linecolor rgb '#0072B2' linewidth 1.5 dashtype 1 notitle

  set lmargin at screen 0.7194
  set rmargin at screen 0.9818
  set bmargin at screen 0.2511
  set tmargin at screen 0.8426
  set title 'ant-v5-medium' offset 0,-0.6 textcolor rgb '#333333'
  set xlabel 'Demonstration episodes'
  set ylabel ''
  set logscale x 10
  set xrange [0.8:62.5]
  set xtics ('1' 1, '2' 2, '5' 5, '10' 10, '25' 25, '50' 50)
  set yrange [-1181.67339111:8531.40062535]
set ytics ('0' 0, '2k' 2000, '4k' 4000, '6k' 6000, '8k' 8000)
  plot 'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 0 ? column('demos') * 0.94 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 0 ? column('demos') * 0.94 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 6 pointsize 0.9 * dot notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 1 ? column('demos') * 0.98 : NaN):'value' \
      with lines linecolor rgb '#D55E00' linewidth 1.8 dashtype 1 notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 1 ? column('demos') * 0.98 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#D55E00' linewidth 1.2 pointtype 7 pointsize 0.9 * dot notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 2 ? column('demos') * 1.02 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype (6,4) notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 2 ? column('demos') * 1.02 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 8 pointsize 0.9 * dot notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 3 ? column('demos') * 1.06 : NaN):'value' \
      with lines linecolor rgb '#7A1F7A' linewidth 1.8 dashtype 1 notitle, \
    'sweep-returns.csv' using (strcol('kind') eq 'point' && column('panel') == 2 && column('line') == 3 ? column('demos') * 1.06 : NaN):'value':'low':'high' \
      with yerrorbars linecolor rgb '#7A1F7A' linewidth 1.2 pointtype 9 pointsize 0.9 * dot notitle, \
    3581.23094823 with lines linecolor rgb '#0072B2' linewidth 1.5 dashtype 1 notitle
  unset multiplot

  set output
}
